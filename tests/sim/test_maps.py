"""Engines with maps: whole traces, RTL against golden."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from golden.arithmetic.sequences import Step
from golden.format import layout
from golden.format.image import Image
from golden.format.network import Network
from rtl.engine import Engine
from sim.check import simulate_steps
from sim.simulation import Simulation
from tests.golden.timing.maps.test_model import uneven
from tests.maps import Builder, every_kind, map_config, map_input, random_maps


def run(
    network: Network,
    *inputs: np.ndarray,
    load: bool = False,
    engine: Callable[..., Engine] = Engine,
) -> Simulation:
    """The network on these inputs, one after the other."""
    steps = [Step(x=x, reset=(False,)) for x in inputs]
    return simulate_steps(network, steps, load=load, engine=engine)


def check(network: Network, *inputs: np.ndarray, load: bool = False) -> None:
    """Events, counters and outputs are golden's."""
    done = run(network, *inputs, load=load)
    assert done.first_difference() is None
    for one in done.inferences:
        assert one.counters == one.expected_counters
        assert one.outputs_equal


CONFIGS: dict[str, dict[str, Any]] = {
    "one PE": {"pes": 1, "group": 1},
    "groups of one": {"pes": 3, "group": 1},
    "short group": {"pes": 5, "group": 4, "entry_stages": 2},
    "codebook": {"mac": "codebook", "code_width": 4, "multiplier_stages": 3},
    "long": {
        "broadcast_stages": 2,
        "stages": {"activations": 1, "push": 1, "clear": 1, "drain": 1, "count": 1},
        "multiplier_stages": 4,
    },
    "status stages": {"pes": 18, "group": 4, "broadcast_stages": 1},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_random_networks(name: str) -> None:
    rng = np.random.default_rng(list(CONFIGS).index(name))
    config = map_config(**{"queue_depth": 8, **CONFIGS[name]})
    network = random_maps(rng, config, layers=2)
    check(network, *(map_input(rng, network) for _ in range(2)))


def test_layers_of_every_kind_over_the_load_port() -> None:
    network = every_kind(pes=4, group=2, queue_depth=5).network()
    x = map_input(np.random.default_rng(1), network)
    check(network, x, 0 * x, load=True)


def test_fully_connected_layers() -> None:
    build = Builder(np.random.default_rng(2), map_config(pes=3, group=2), (11, 1, 1))
    build.dense(7, "relu")
    build.dense(5)
    network = build.network()
    check(network, map_input(build.rng, network))


def test_uneven_work_and_one_row_more_than_the_ring_allows() -> None:
    """With a program that says so, an entry comes to a sum that is being taken."""
    network = uneven(14)
    x = map_input(np.random.default_rng(14), network)
    check(network, x)

    def wrong(*, config: Any, image: Image | None) -> Engine:
        assert image is not None
        form, words = layout.map_descriptor(config), image.program.copy()
        low = int(words[0]) & ((1 << layout.width(form)) - 1)  # sources' words may be wider
        fields = layout.unpack(form, np.array([low], dtype=object))
        fields["live"] = fields["live"] - 1
        words[0] = int(layout.pack(form, **fields)[0])
        return Engine(config=config, image=dataclasses.replace(image, program=words))

    with pytest.raises(AssertionError, match="a sum is asked for while it is cleared"):
        run(network, x, engine=wrong)
