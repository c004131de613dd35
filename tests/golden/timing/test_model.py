"""The timing model against a slow one that steps through every cycle; any engine, any network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.arithmetic.run import forward
from golden.arithmetic.sequences import Sequences, Step, interleave
from golden.format.activations import ACTIVATIONS
from golden.format.image import encode
from golden.format.network import Network
from golden.kinds import ActCode
from golden.timing.model import TimingModel
from golden.timing.unpack import Counters
from tests.cells import cell_config, cell_network, random_steps
from tests.golden.timing.slow import SlowEngine, as_lists
from tests.networks import random_fifo, random_input, random_network, random_stages, small_config

Case = tuple[Network, Sequence[Step]]


def steps_of(network: Network, x: np.ndarray) -> list[Step]:
    """Single vectors as steps."""
    return interleave(network, Sequences.of(network, x))


@st.composite
def connected(draw: st.DrawFn) -> Case:
    """Fully connected layers: groups, stages, queues, padding, empty layers, two on one memory."""
    sizes, functions = (
        draw(st.lists(st.integers(1, 30), min_size=2, max_size=4)),
        draw(st.booleans()),
    )
    names = [draw(st.sampled_from(sorted(ACTIVATIONS))) for _ in sizes[1:]] if functions else None
    code = "linear" if functions else draw(st.sampled_from(ActCode))
    pes = draw(st.one_of(st.integers(1, 9), st.sampled_from([16, 17, 21])))
    group = draw(st.integers(1, 5))
    memory = draw(st.sampled_from(["block", "block", "spram"]))
    if memory == "spram":
        group = 2 * group
    config = small_config(
        sizes,
        mac=draw(st.sampled_from(["codebook", "log"] + ["fixed"] * (memory == "block"))),
        pes=pes,
        group=group,
        queue_depth=draw(st.integers(5, 9)),
        run_width=draw(st.integers(2, 4)),
        acc_width=48,
        entry_memory=memory,
        entry_stages=draw(st.integers(1, 2)),
        multiplier_stages=draw(st.integers(2, 4)),
        broadcast_stages=draw(st.integers(0, 2)),
        act_code=code,
        stages=random_stages(np.random.default_rng(draw(st.integers(0, 99)))),
        **({} if code == "linear" else {"input_terms": draw(st.integers(1, 3))}),
        **({"functions": True, "act_width": 16} if functions else {}),
    )
    config = random_fifo(np.random.default_rng(draw(st.integers(0, 99))), config)
    tight = draw(st.booleans())
    config = config.replace(queue_depth=config.queue_margin + 1) if tight else config
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    shift = draw(st.sampled_from([0, 5, 12]))
    network = random_network(rng, config, sizes, density=density, shift=shift, activations=names)
    x = random_input(rng, network) * draw(st.sampled_from([0, 1, 1, 1]))
    return network, steps_of(network, x)


@st.composite
def recurrent(draw: st.DrawFn) -> Case:
    """Cells: streams, groups, stages, queues, peepholes, padding, empty columns, SPRAM."""
    pes = draw(st.one_of(st.integers(1, 7), st.sampled_from([16, 17, 21])))
    changes: dict[str, Any] = {
        "pes": pes,
        "group": draw(st.integers(1, 4)),
        "streams": draw(st.integers(1, 3)),
        "mac": draw(st.sampled_from(["fixed", "codebook", "log"])),
        "run_width": draw(st.integers(2, 4)),
        "entry_stages": draw(st.integers(1, 2)),
        "multiplier_stages": draw(st.integers(2, 4)),
        "broadcast_stages": draw(st.integers(0, 2)),
        "stages": random_stages(np.random.default_rng(draw(st.integers(0, 99)))),
        **{"row_depth": 128, "act_depth": 128, "bias_depth": 2048, "column_depth": 2048},
    }
    peepholes = draw(st.booleans())
    if draw(st.sampled_from(["block", "block", "spram"])) == "spram":
        changes |= {"mac": "log", "entry_memory": "spram", "entry_depth": 8192, "streams": 1}
        changes["group"] *= 2
        changes["run_width"] = 4
        peepholes = False
    config = cell_config(**changes)
    config = random_fifo(np.random.default_rng(draw(st.integers(0, 99))), config)
    margin = config.queue_margin
    config = config.replace(queue_depth=draw(st.sampled_from([margin + 1, margin + 2, 12])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    head = draw(st.booleans())
    names = draw(st.sampled_from([("identity", "relu"), ("tanh", "sigmoid")]))
    config = config.replace(functions="tanh" in names)
    network = cell_network(
        rng, config, density=density, peepholes=peepholes, head=head, activations=names
    )
    return network, random_steps(rng, network, 3)


def check(network: Network, steps: Sequence[Step]) -> list[Counters]:
    """All events and counters of all steps are those of the slow engine."""
    model, slow, found = TimingModel(encode(network)), SlowEngine(network), []
    for step in steps:
        trace, counters = model.run(step.x, reset=step.reset, answer=step.answer)
        expected, counted = slow.step(step.x, step.reset, step.answer)
        got = as_lists(trace.events)
        got["gate"] = [event[:4] for event in got["gate"]]
        for kind, events in expected.items():
            assert got[kind] == events, kind
        assert counters == counted
        assert (trace.cycles, trace.macs) == (counters.cycles, counters.macs)
        found.append(counters)
    return found


@settings(max_examples=120)
@given(connected())
def test_fully_connected_networks_are_as_the_slow_engine_says(case: Case) -> None:
    check(*case)


@pytest.mark.long
@settings(max_examples=200)
@given(recurrent())
def test_more_recurrent_networks_are_as_the_slow_engine_says(case: Case) -> None:
    check(*case)


@settings(max_examples=25)
@given(recurrent())
def test_recurrent_networks_are_as_the_slow_engine_says(case: Case) -> None:
    check(*case)


@pytest.mark.parametrize("streams", [1, 2])
def test_a_fully_connected_network_on_an_engine_with_cells(streams: int) -> None:
    """It runs there too, with several vectors in a step."""
    rng = np.random.default_rng(streams)
    config = cell_config(streams=streams, pes=5)
    network = random_network(rng, config, [20, 14, 9], density=0.4)
    steps = steps_of(network, random_input(rng, network, 3))
    assert len(steps) == (3 if streams == 1 else 2)
    check(network, steps)


@pytest.mark.parametrize("pes", [3, 20, 70])
def test_stalls_are_predicted(pes: int) -> None:
    """One PE does all the work, so that its queue decides about everybody's broadcasts."""
    rng = np.random.default_rng(1)
    config = small_config([80, 40], pes=pes, group=1, queue_depth=5)
    network = random_network(rng, config, [80, 40], density=0.9)
    (counters,) = check(network, steps_of(network, random_input(rng, network)))
    assert counters.stalls > 20


def test_the_slow_engine_computes_the_layers_too() -> None:
    rng = np.random.default_rng(2)
    config = small_config([9, 8, 7], pes=5, group=2)
    network = random_network(rng, config, [9, 8, 7], density=0.5)
    x = random_input(rng, network)
    events, _ = SlowEngine(network).step(x, [True], True)
    outputs = {position: value for _, position, value, _ in events["output"]}
    expected, position = forward(network, x)[0], network.layers[-1].position
    assert outputs == {int(p): int(v) for p, v in zip(position, expected, strict=True) if v}


def test_useful_utilisation_counts_everything_else_as_loss() -> None:
    rng = np.random.default_rng(3)
    config = small_config([9, 8], pes=5, group=2)
    network = random_network(rng, config, [9, 8], density=0.5)
    trace, counters = TimingModel(encode(network)).run(random_input(rng, network)[0])
    assert trace.useful_utilisation(5) == counters.macs / (5 * counters.cycles)


def test_every_pe_cycle_issues_operates_or_starves() -> None:
    """Two layers on one PE: 1 + 1 entries, 1 + 1 operations, and the rest of the cycles."""
    config = small_config([1, 1, 1], pes=1, group=1)
    network = random_network(np.random.default_rng(4), config, [1, 1, 1], density=1.0, shift=0)
    trace, counters = TimingModel(encode(network)).run(np.array([1]))
    issues = len(trace.events["issue"])
    assert issues >= 1
    assert counters.starved == counters.cycles - issues - 2
