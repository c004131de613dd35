"""Two ways to find the cycles of one stream: stepped one by one, and from each phase's schedule."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from golden.arithmetic.sequences import Step
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.machine import Machine
from golden.timing.model import TimingModel
from golden.timing.one_stream import OneStream
from golden.timing.trace import compare
from tests.cells import cell_config, cell_network, random_steps
from tests.networks import random_input, random_network, random_stages, small_config


def both(network: Network, steps: Sequence[Step]) -> int:
    """Compare all events and counters; returns how many cycles were held."""
    image, stalls = encode(network), 0
    fast, stepped = TimingModel(image, timeline=OneStream), TimingModel(image, timeline=Machine)
    for step in steps:
        trace, counters = fast.run(step.x, reset=step.reset, answer=step.answer)
        expected, counted = stepped.run(step.x, reset=step.reset, answer=step.answer)
        assert compare(expected, trace) is None
        assert counters == counted
        stalls += counters.stalls
    return stalls


def engine(rng: np.random.Generator, seed: int) -> dict[str, Any]:
    """An engine's shape."""
    spram = seed % 3 == 0
    return {
        "pes": int(rng.integers(1, 24)),
        "group": 2 * int(rng.integers(1, 4)) if spram else int(rng.integers(1, 6)),
        "run_width": 4 if spram else int(rng.integers(2, 5)),
        "entry_stages": int(rng.integers(1, 3)),
        "multiplier_stages": int(rng.integers(2, 5)),
        "broadcast_stages": int(rng.integers(0, 3)),
        "stages": random_stages(np.random.default_rng(seed)),
        **({"entry_memory": "spram", "mac": "log"} if spram else {}),
    }


@pytest.mark.parametrize("seed", range(12))
def test_fully_connected_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(1, 60, 4)]
    names = ["tanh", "relu", "sigmoid"] if seed % 2 else None
    wide = {"functions": True, "act_width": 16} if names else {}
    config = small_config(sizes, acc_width=48, **wide, **engine(rng, seed))
    config = config.replace(queue_depth=config.queue_margin + 1 + seed % 4)
    density = (0.05, 0.4, 1.0, 0.0)[seed % 4]
    network = random_network(rng, config, sizes, density=density, activations=names)
    steps = [Step(x=x[None], reset=(False,)) for x in random_input(rng, network, 2)]
    stalls = both(network, steps)
    assert stalls or seed != 1, "a short queue must hold broadcasts at least once"


@pytest.mark.parametrize("seed", range(12))
def test_recurrent_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape, delta = engine(rng, seed), seed % 4 == 1
    config = cell_config(
        **shape,
        row_depth=128,
        act_depth=128,
        bias_depth=2048,
        column_depth=2048,
        **({"entry_depth": 8192} if "mac" in shape else {}),
        **({"delta": True, "act_lists": 16} if delta else {}),
    )
    config = config.replace(queue_depth=config.queue_margin + 1 + seed % 4)
    density = (0.05, 0.4, 1.0, 0.0)[seed % 4]
    names = ("sigmoid", "tanh") if seed % 3 == 1 else ("identity", "relu")
    network = cell_network(
        rng,
        config.replace(functions="tanh" in names),
        density=density,
        peepholes="mac" not in shape,
        head=not delta,
        activations=names,
    )
    both(network, random_steps(rng, network, 3))
