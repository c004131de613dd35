"""Delta mode: what is sent, the sums that last, and resets; RTL == golden, whole traces."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from golden.arithmetic.run import Runner, forward, sent
from golden.arithmetic.sequences import Step
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from golden.timing.model import TimingModel
from sim.check import simulate_steps
from tests.cases import halved
from tests.cells import SMALL, cell_config, cell_network


def delta_network(rng: np.random.Generator, *, head: bool, **changes: Any) -> Network:
    """A network with other thresholds for every list."""
    config = cell_config(delta=True, **changes)
    network = cell_network(rng, config, widths=SMALL, head=head, peepholes=head)
    layers = tuple(
        dataclasses.replace(layer, threshold=0 if number == network.head else threshold)
        for number, (layer, threshold) in enumerate(
            zip(network.layers, (500, 700, 900, 20), strict=True)
        )
    )
    return dataclasses.replace(network, threshold=900, layers=layers)


def slow_steps(rng: np.random.Generator, network: Network, count: int) -> list[Step]:
    """Inputs that change little; with a head every third step ends a sequence."""
    x, reset = rng.integers(-(1 << 14), 1 << 14, (1, network.n_in)), True
    steps = []
    for number in range(count):
        x = np.clip(x + rng.integers(-1500, 1500, x.shape), -(1 << 15), (1 << 15) - 1)
        answer = network.head is None or number % 3 == 2
        steps.append(Step(x=x, reset=(reset,), answer=answer))
        reset = (answer and network.head is not None) or number == 0
    return steps


ENGINES: list[dict[str, Any]] = [
    {},
    {"pes": 5, "group": 3, "multiplier_stages": 3, "mac": "codebook"},
    {"pes": 6, "group": 1, "entry_stages": 2, "broadcast_stages": 2, "mac": "log"},
    {"pes": 5, "group": 3, "stages": "long"},
    {"pes": 5, "group": 3, "stages": "elastic", "broadcast_stages": 1},
    {"pes": 1, "group": 2, "row_depth": 128, "state_frac": 9},
]


@pytest.mark.parametrize(("engine", "head"), halved(ENGINES, [False, True]), ids=str)
def test_outputs_and_traces_are_golden(engine: dict[str, Any], head: bool) -> None:
    rng = np.random.default_rng(len(str(engine)) + head)
    network = delta_network(rng, head=head, **engine)
    # With a head, the third step ends a sequence and the fourth begins one.
    result = simulate_steps(network, slow_steps(rng, network, 4 if head else 3))
    assert result.first_difference() is None
    assert result.equal
    assert any(one.outputs.any() for one in result.inferences)


def test_compiled_is_the_same() -> None:
    rng = np.random.default_rng(3)
    network = delta_network(rng, head=True, pes=2, group=1)
    assert simulate_steps(network, slow_steps(rng, network, 6), compiled=True).equal


def test_less_is_sent_when_little_moves() -> None:
    rng = np.random.default_rng(4)
    network = delta_network(rng, head=False)
    model = TimingModel(encode(network))
    x = rng.integers(-(1 << 14), 1 << 14, (1, network.n_in))
    counts = [len(model.run(x, reset=[n == 0])[0].events["broadcast"]) for n in range(12)]
    # The same input again: only what the states still do.
    assert counts[-1] < counts[0] / 2


def test_threshold_0_computes_the_same_as_without_delta() -> None:
    rng = np.random.default_rng(5)
    network = cell_network(rng, cell_config(delta=True))
    plain = dataclasses.replace(network, config=network.config.replace(delta=False))
    x = rng.integers(-(1 << 13), 1 << 13, (4, 6, network.n_in))
    assert np.array_equal(forward(network, x), forward(plain, x))


def test_what_was_sent_follows_what_moved() -> None:
    before = np.array([0, 100, -100, 30000, -5])
    now = np.array([10, 111, -110, -30000, -5])
    assert sent(before, now, 10).tolist() == [0, 111, -100, 30000 - 32768, -5]
    assert sent(before, now, 0).tolist() == [10, 111, -110, 30000 - 32768, -5]


def test_a_sequence_ends_with_its_answer() -> None:
    rng = np.random.default_rng(6)
    network = delta_network(rng, head=True)
    run = Runner(network, 1)
    x = np.zeros((1, network.n_in), dtype=np.int64)
    run.step(x, answer=True)
    with pytest.raises(ElsieError, match="with delta a sequence ends with its answer; reset it"):
        run.step(x)
    run.reset([True])
    run.step(x)


def test_thresholds_need_delta() -> None:
    network = delta_network(np.random.default_rng(7), head=True)
    with pytest.raises(ElsieError, match="threshold is for engines with delta"):
        dataclasses.replace(network, config=network.config.replace(delta=False))
    with pytest.raises(ElsieError, match="threshold must be 0 or more"):
        dataclasses.replace(network, threshold=-1)
    with pytest.raises(ElsieError, match="streams must be 1 with delta, not 2"):
        network.config.replace(streams=2, act_lists=16)
