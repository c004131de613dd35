"""Convolution against one in plain Python, on random networks of every kind of layer."""

import numpy as np
import pytest

from golden.arithmetic.run import Runner, forward
from golden.kinds import MacKind
from tests.golden.arithmetic.slow_maps import slow_forward
from tests.maps import Builder, map_config, map_input, random_maps


@pytest.mark.parametrize("seed", range(150))
def test_every_layer_is_a_plain_convolution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mac = {"mac": MacKind.CODEBOOK, "code_width": 4} if seed % 2 else {}
    network = random_maps(rng, map_config(**mac), layers=1 + seed % 3)
    x = map_input(rng, network)
    run = Runner(network, 1)
    run.step(x)
    for got, expected in zip(run.outputs, slow_forward(network, x[0].tolist()), strict=True):
        assert got[0].tolist() == [value for one in expected for row in one for value in row]


def test_samples_do_not_meet() -> None:
    rng = np.random.default_rng(1)
    network = random_maps(rng, map_config())
    x = np.concatenate([map_input(rng, network) for _ in range(3)])
    every = forward(network, x)
    assert every.any()
    assert [forward(network, one[None])[0].tolist() for one in x] == every.tolist()


def test_a_mean_is_a_sum() -> None:
    """Of all places of a channel, with one weight."""
    rng = np.random.default_rng(2)
    build = Builder(rng, map_config(), (3, 5, 7), density=1.0, shift=0)
    build.mean()
    network = build.network()
    x = rng.integers(0, 3, (1, network.n_in))
    layer = network.layers[0]
    weight = layer.weights(network.config)
    total = x.reshape(3, -1).sum(axis=1) * weight + layer.bias
    assert forward(network, x)[0].tolist() == np.clip(total, 0, 127).tolist()
