"""Convolutions on a simulated board: rows with places that are no inputs."""

import numpy as np
import pytest

from elsie.host import Board
from elsie.host.packing import sent_inputs
from elsie.host.simulated.board import SimulatedBoard
from golden.arithmetic.run import forward
from golden.format.network import Network
from golden.maps.convolution import Source
from tests.maps import Builder, map_config

pytestmark = pytest.mark.timeout(1800)


def with_maps(seed: int) -> Network:
    """Three channels of 4 x 5."""
    build = Builder(np.random.default_rng(seed), map_config(), (3, 4, 5))
    build.conv(4, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(4, 4), pool=(2, 2))
    build.flatten(5)
    return build.network()


def test_networks_with_maps() -> None:
    networks = [with_maps(5), with_maps(6)]
    config = networks[0].config
    top = 1 << (config.act_width - 1)
    with (
        SimulatedBoard(config, clock_hz=3_686_400, divisor=32, buffer=512) as simulated,
        Board.open(simulated.port) as board,
    ):
        for network in networks:
            assert sent_inputs(network) > network.n_in
            x = np.random.default_rng(1).integers(-top, top, (6, network.n_in))
            assert board.load(network)
            assert (board.run(x, raw=True) == forward(network, x)).all()
            assert board.damaged() == 0
