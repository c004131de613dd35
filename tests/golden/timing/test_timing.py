"""The fast timing model against a slow engine that steps through every cycle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.arithmetic import layers
from golden.config import EngineConfig
from golden.format.image import encode
from golden.format.network import Network
from golden.kinds import EntryMemory
from golden.timing.schedule import Latencies, schedule
from golden.timing.single import TimingModel, drain_reads
from golden.timing.unpack import Counters
from tests.golden.timing.slow import SlowEngine, as_lists
from tests.networks import random_input, random_network, small_config


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, np.ndarray]:
    """Everything that has a corner in time: groups, stages, queues, padding, empty layers."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=2, max_size=4))
    pes = draw(st.one_of(st.integers(1, 9), st.sampled_from([16, 17, 21])))
    group = draw(st.integers(1, 5))
    stages = draw(st.integers(0, 2))
    memory = draw(st.sampled_from(["block", "block", "spram"]))
    if memory == "spram":
        group = 2 * group
    config = small_config(
        sizes,
        mac=draw(st.sampled_from(["codebook", "log"] + ["fixed"] * (memory == "block"))),
        pes=pes,
        group=group,
        queue_depth=draw(st.integers(4, 9)),
        run_width=draw(st.integers(2, 4)),
        acc_width=48,
        entry_memory=memory,
        entry_stages=draw(st.integers(1, 2)),
        multiplier_stages=draw(st.integers(2, 4)),
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


@pytest.mark.parametrize("pes", [3, 20, 70])
def test_stalls_are_predicted(pes: int) -> None:
    """One PE does all the work, so that its queue decides about everybody's broadcasts."""
    rng = np.random.default_rng(1)
    config = small_config([80, 40], pes=pes, group=1, queue_depth=5)
    network = random_network(rng, config, [80, 40], density=0.9)
    slow = check(network, random_input(rng, network)[0])
    assert slow.stalls > 20


def test_the_slow_engine_computes_the_layers_too() -> None:
    rng = np.random.default_rng(2)
    config = small_config([9, 8, 7], pes=5, group=2)
    network = random_network(rng, config, [9, 8, 7], density=0.5)
    x = random_input(rng, network)
    slow = SlowEngine(network, [int(value) for value in x[0]])
    outputs = {position: value for _, position, value, _ in slow.events["output"]}
    expected = layers.forward(network, x)[-1][0]
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
        ({}, (3, 3, 1, 4, 3, 5)),
        ({"multiplier_stages": 3}, (3, 3, 1, 5, 4, 5)),
        ({"entry_stages": 2, "multiplier_stages": 3}, (3, 3, 1, 6, 5, 5)),
        ({"broadcast_stages": 2}, (3, 5, 1, 4, 3, 5)),
        ({"pes": 17, "group": 1}, (5, 5, 2, 4, 3, 5)),
        ({"pes": 64}, (5, 5, 2, 4, 3, 5)),
        ({"pes": 65}, (5, 5, 3, 4, 3, 5)),
    ],
)
def test_distances_written_out(changes: dict[str, int], expected: tuple[int, ...]) -> None:
    """By hand from the pipeline's registers: broadcast, read, status, commit, flush, drain."""
    t = Latencies.of(EngineConfig().replace(**changes))
    assert (t.broadcast, t.read, t.status, t.commit, t.flush, t.drain) == expected


def test_a_schedule_by_hand() -> None:
    """Columns of 2, 0 and 1 entries, from cycle 5: reads at 7, 8, 9; pushes, pops a cycle later."""
    config = EngineConfig(pes=1, group=1)
    jobs = schedule(config, np.array([[2, 0, 1]]), 5)
    assert jobs.broadcast.tolist() == [7, 8, 9]
    assert jobs.push.tolist() == [8, 9, 10]
    assert jobs.pop[[0, 2], 0].tolist() == [9, 11]
    assert jobs.over.tolist() == [13]
    assert jobs.stalls == 0


def test_a_full_queue_holds_the_broadcasts_by_hand() -> None:
    """One PE with 3 slots, of which 2 are margin: one waiting job in cycle c holds cycle c + 1.

    The pushes in cycles 4, 5 and 6 leave jobs waiting from cycle 5 to 13, when the last is popped.
    So the reads stop in cycle 6, and go on in 15 and 16.
    """
    config = EngineConfig(pes=1, group=1, queue_depth=3)
    jobs = schedule(config, np.array([[4, 4, 4, 4, 4]]), 1)
    assert jobs.pop[:3, 0].tolist() == [5, 9, 13]
    assert jobs.push.tolist() == [4, 5, 6, 16, 17]
    assert jobs.stalls == 9


def test_pes_on_one_memory_take_turns_by_hand() -> None:
    """Entries are read in even cycles of the layer for PE 0, in odd ones for PE 1."""
    config = EngineConfig(pes=2, group=2, entry_memory=EntryMemory.SPRAM, run_width=4)
    jobs = schedule(config, np.array([[1, 3], [1, 1]]), 1)
    assert jobs.push.tolist() == [4, 5]
    assert jobs.pop.T.tolist() == [[6, 8], [5, 7]]


def test_drains_of_a_group_by_hand() -> None:
    """Three rows each; PE 1 is ready first, PE 0 while it drains, PE 2 alone in its group."""
    config = EngineConfig(pes=3, group=2)
    last = drain_reads(config, np.array([12, 10, 11]), rows=3)
    assert last.tolist() == [17, 13, 14]
    # PEs 1 and 2 are ready together: the lower one goes first, and then PE 0, ready meanwhile.
    last = drain_reads(config.replace(group=3, act_depth=96), np.array([12, 10, 10]), rows=3)
    assert last.tolist() == [17, 13, 21]
