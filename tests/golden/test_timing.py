"""The fast timing model against a slow engine that steps through every cycle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import arithmetic
from golden.config import EngineConfig
from golden.image import encode
from golden.network import Network
from golden.timing import Counters, Latencies, TimingModel, schedule
from tests.golden.slow import SlowEngine, as_lists
from tests.networks import random_input, random_network, small_config


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, np.ndarray]:
    """Everything that has a corner in time: groups, stages, queues, padding, empty layers."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=2, max_size=4))
    pes = draw(st.one_of(st.integers(1, 9), st.sampled_from([16, 17, 21])))
    group = draw(st.integers(1, 5))
    stages = draw(st.integers(0, 2))
    config = small_config(
        sizes,
        mac=draw(st.sampled_from(["codebook", "fixed", "log"])),
        pes=pes,
        group=group,
        queue_depth=draw(st.integers(13, 17)),
        run_width=draw(st.integers(2, 5)),
        acc_width=48,
        multiplier_stages=draw(st.integers(1, 4)),
        broadcast_stages=stages,
    )
    tight = draw(st.booleans())
    config = config.replace(queue_depth=config.queue_margin + 1) if tight else config
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    network = random_network(
        rng, config, sizes, density=density, shift=draw(st.sampled_from([0, 5, 12]))
    )
    x = random_input(rng, network)[0]
    return network, x * draw(st.sampled_from([0, 1, 1, 1]))


def check(network: Network, x: np.ndarray) -> SlowEngine:
    trace, counters = TimingModel(encode(network)).run(x)
    slow = SlowEngine(network, [int(value) for value in x])
    expected = slow.sorted_events()
    got = as_lists(trace.events)
    for kind, events in expected.items():
        assert got[kind] == events, kind
    assert counters == Counters(
        cycles=expected["finish"][0][0] - 1,
        macs=slow.macs,
        stalls=slow.stalls,
        starved=slow.starved,
    )
    assert trace.cycles == counters.cycles
    assert trace.macs == counters.macs
    return slow


@settings(max_examples=120)
@given(cases())
def test_all_events_equal_those_of_the_slow_engine(case: tuple[Network, np.ndarray]) -> None:
    check(*case)


@pytest.mark.parametrize("pes", [3, 20])
def test_stalls_are_predicted(pes: int) -> None:
    """One PE does all the work, so that its queue decides about everybody's broadcasts."""
    rng = np.random.default_rng(1)
    config = small_config([80, 40], pes=pes, group=1, queue_depth=9)
    network = random_network(rng, config, [80, 40], density=0.9)
    slow = check(network, random_input(rng, network)[0])
    assert slow.stalls > 20


def test_the_slow_engine_computes_the_layers_too() -> None:
    rng = np.random.default_rng(2)
    config = small_config([9, 8, 7], pes=5, group=2)
    network = random_network(rng, config, [9, 8, 7], density=0.5)
    x = random_input(rng, network)
    slow = SlowEngine(network, [int(value) for value in x[0]])
    outputs = {position: value for _, position, value in slow.events["output"]}
    expected = arithmetic.forward(network, x)[-1][0]
    position = network.layers[-1].position
    assert outputs == {int(p): int(v) for p, v in zip(position, expected, strict=True) if v}


def test_useful_utilisation_counts_everything_else_as_loss() -> None:
    rng = np.random.default_rng(3)
    config = small_config([9, 8], pes=5, group=2)
    trace, counters = TimingModel(
        encode(network := random_network(rng, config, [9, 8], density=0.5))
    ).run(random_input(rng, network)[0])
    assert trace.useful_utilisation(5) == counters.macs / (5 * counters.cycles)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (2, 3, 1, 4, 4, 2)),
        ({"multiplier_stages": 3}, (2, 3, 1, 4, 6, 4)),
        ({"broadcast_stages": 2}, (2, 5, 1, 6, 4, 2)),
        ({"pes": 17, "group": 1}, (5, 6, 2, 8, 4, 1)),
    ],
)
def test_distances_written_out(changes: dict[str, int], expected: tuple[int, ...]) -> None:
    """By hand from the pipeline's registers: broadcast, push, status, settle, commit, wait."""
    t = Latencies.of(EngineConfig(queue_depth=32).replace(**changes))
    assert (t.broadcast, t.push, t.status, t.settle, t.commit, t.drain_wait) == expected


def test_a_schedule_by_hand() -> None:
    """Three columns of 2, 0 and 1 entries, from cycle 5: pushes at 8, 9, 10; pops a cycle later."""
    config = EngineConfig(pes=1, group=1, queue_depth=8)
    jobs = schedule(config, np.array([[2, 0, 1]]), 5)
    assert jobs.grant.tolist() == [5, 6, 7]
    assert jobs.pop[[0, 2], 0].tolist() == [9, 11]
    assert jobs.last_issue.tolist() == [12]
    assert jobs.stalls == 0
