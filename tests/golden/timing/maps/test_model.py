"""Every cycle of engines with maps against a slow model; every value against plain convolution."""

import dataclasses

import numpy as np
import pytest

from golden.arithmetic.run import forward
from golden.format.image import encode
from golden.format.layer import place
from golden.format.network import Network
from golden.maps.convolution import Source
from golden.maps.grid import of_output
from golden.timing.model import TimingModel
from golden.timing.unpack import Counters
from tests.golden.timing.maps.slow import SlowMaps
from tests.golden.timing.slow import as_lists
from tests.maps import Builder, map_config, map_input, random_maps
from tests.networks import random_stages


def outputs(model: TimingModel, network: Network, x: np.ndarray) -> list[int]:
    """What the results say, in the network's order."""
    trace, _ = model.run(x)
    found = {int(position): int(value) for _, position, value, _ in trace.events["output"]}
    return [found.get(int(position), 0) for position in network.layers[-1].position]


def check(network: Network, x: np.ndarray) -> Counters:
    """All events and counters are those of the slow engine, and the results are right."""
    model = TimingModel(encode(network))
    trace, counters = model.run(x)
    expected, counted = SlowMaps(network).run(x[0].tolist())
    got = as_lists(trace.events)
    for kind, events in expected.items():
        assert got[kind] == events, kind
    assert counters == counted
    assert outputs(model, network, x) == forward(network, x)[0].tolist()
    return counters


@pytest.mark.parametrize("seed", range(60))
def test_random_networks_are_as_the_slow_engine_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pes = int(rng.choice([1, 2, 3, 4, 5, 7, 17]))
    stages = {**random_stages(rng), **dict.fromkeys(("grant", "store", "choose"), 0)}
    config = map_config(
        pes=pes,
        group=int(rng.choice([1, 2, 4])),
        run_width=int(rng.integers(2, 6)),
        entry_stages=int(rng.integers(1, 3)),
        multiplier_stages=int(rng.integers(2, 5)),
        broadcast_stages=int(rng.integers(0, 3)),
        stages=stages,
        queue_depth=16,
    )
    depth = config.queue_margin + int(rng.choice([1, 2, 8]))
    network = random_maps(rng, config.replace(queue_depth=depth), layers=int(rng.integers(1, 4)))
    check(network, map_input(rng, network, zeros=float(rng.choice([0.0, 0.4, 0.9, 1.0]))))


@pytest.mark.parametrize("seed", range(100, 180))
def test_random_networks_give_the_results_of_plain_convolution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    config = map_config(pes=int(rng.integers(1, 9)), group=int(rng.choice([1, 2, 4])))
    network = random_maps(rng, config, density=float(rng.choice([0.1, 0.5, 1.0])), layers=3)
    model = TimingModel(encode(network))
    for _ in range(2):  # one after the other, in the same memories
        x = map_input(rng, network)
        assert outputs(model, network, x) == forward(network, x)[0].tolist()


def uneven(seed: int) -> Network:
    """One PE has a unit and the other five, so that it runs ahead as far as it may."""
    rng = np.random.default_rng(seed)
    kernel, stride = int(rng.choice([1, 3, 5])), int(rng.choice([1, 2]))
    pool, pad = int(rng.choice([1, 1, 2])), kernel // 2
    config = map_config(pes=2, queue_depth=64)  # so that the queues do not stop it before
    build = Builder(rng, config, (2, 24, 6), density=0.6, shift=7)
    source = Source(layer=-1, kernel=(kernel, kernel), stride=(stride, 1), pad=(pad, pad))
    rows = ((24 + 2 * pad - kernel) // stride + 1) // pool * pool
    build.conv(6, source, shape=(rows, 6 // pool * pool), pool=(pool, pool))
    position = place(config, np.array([0, 1, 1, 1, 1, 1]))
    build.layers[0] = dataclasses.replace(build.layers[0], position=position)
    build.grids[-1] = of_output(config, build.shapes[-1], 1, position)
    build.flatten(3)
    return build.network()


def test_one_row_more_than_the_ring_allows_gives_wrong_results() -> None:
    """So the bound on tokens is exact enough to be needed."""
    wrong = 0
    for seed in range(16):
        network = uneven(seed)
        x = map_input(np.random.default_rng(seed), network)
        model, expected = TimingModel(encode(network)), forward(network, x)[0].tolist()
        assert outputs(model, network, x) == expected
        model.maps = tuple(
            dataclasses.replace(one, word={**one.word, "live": one.word["live"] - 1})
            for one in model.maps
        )
        wrong += outputs(model, network, x) != expected
    assert wrong >= 5


def test_uneven_work_is_as_the_slow_engine_says() -> None:
    for seed in range(4):
        network = uneven(seed)
        check(network, map_input(np.random.default_rng(seed), network))
