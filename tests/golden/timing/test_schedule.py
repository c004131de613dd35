"""The schedule of a phase's jobs and operations, by hand."""

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.kinds import EntryMemory
from golden.stages import Stages
from golden.timing.schedule import Latencies, operation_starts, schedule


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (3, 3, 1, 4, 7, 0)),
        ({"multiplier_stages": 3}, (3, 3, 1, 5, 8, 0)),
        ({"entry_stages": 2, "multiplier_stages": 3}, (3, 3, 1, 6, 9, 0)),
        ({"stages": "drain"}, (3, 3, 1, 4, 8, 0)),
        ({"stages": {"store": 1}}, (3, 3, 1, 4, 7, 1)),
        ({"stages": {"activations": 1}, "broadcast_stages": 1}, (4, 5, 1, 4, 7, 0)),
        ({"stages": {"grant": 1}, "pes": 17, "group": 1}, (6, 6, 2, 4, 7, 0)),
        ({"broadcast_stages": 2}, (3, 5, 1, 4, 7, 0)),
        ({"pes": 17, "group": 1}, (5, 5, 2, 4, 7, 0)),
        ({"pes": 64}, (5, 5, 2, 4, 7, 0)),
        ({"pes": 65}, (5, 5, 3, 4, 7, 0)),
        ({"cells": 4, "act_width": 16}, (3, 3, 1, 4, 9, 0)),
        ({"cells": 4, "act_width": 16, "delta": True}, (3, 3, 1, 4, 9, 2)),
    ],
)
def test_distances_written_out(changes: dict[str, int], expected: tuple[int, ...]) -> None:
    """By hand from the pipeline's registers: broadcast, read, status, commit, result, late."""
    t = Latencies.of(EngineConfig().replace(**changes))
    assert (t.broadcast, t.read, t.status, t.commit, t.result, t.late) == expected


def test_a_schedule_by_hand() -> None:
    """Columns of 2, 0 and 1 entries, from cycle 5: reads at 7, 8, 9; pushes, pops a cycle later."""
    config = EngineConfig(pes=1, group=1)
    jobs = schedule(config, np.array([[2, 0, 1]]), 5)
    assert jobs.broadcast.tolist() == [7, 8, 9]
    assert jobs.push[:, 0].tolist() == [8, 9, 10]
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
    assert jobs.push[:, 0].tolist() == [4, 5, 6, 16, 17]
    assert jobs.stalls == 9


def test_a_register_before_the_queues_by_hand() -> None:
    """As above, with a slot more: pushes come a cycle later, and jobs wait from cycle 6 to 17."""
    config = EngineConfig(pes=1, group=1, queue_depth=4, stages=Stages(push=1))
    jobs = schedule(config, np.array([[4, 4, 4, 4, 4]]), 1)
    assert jobs.push[:, 0].tolist() == [5, 6, 7, 8, 22]
    assert jobs.pop[:, 0].tolist() == [6, 10, 14, 18, 23]
    assert jobs.over.tolist() == [28]
    assert jobs.stalls == 13


def test_groups_wait_on_their_own_by_hand() -> None:
    """PE 0 has much to do, PE 1 little; queues of 6 slots, of which 4 are margin.

    Grants in cycles 1 to 8 come to the FIFOs 3 cycles later, are taken from the next cycle on, and
    pushed 3 cycles after that. PE 1 takes one a cycle. In PE 0 two jobs wait from cycle 11 on, so
    that it takes the last broadcast only after the pop in cycle 54.
    """
    config = EngineConfig(pes=2, group=1, queue_depth=6, stages=Stages(fifo=16))
    jobs = schedule(config, np.array([[9] * 8, [1] * 8]), 1)
    assert jobs.broadcast.tolist() == list(range(4, 12))
    assert jobs.push.T.tolist() == [[*range(8, 15), 59], [*range(8, 16)]]
    assert jobs.pop.T.tolist() == [[*range(9, 73, 9)], [*range(9, 17)]]
    assert jobs.over.tolist() == [82, 18]
    assert jobs.stalls == 0


def test_a_full_fifo_stops_the_grants_by_hand() -> None:
    """PE 0 again, PE 1 with nothing to do, and FIFOs of 7 slots, of which 5 are margin.

    Nothing is taken from cycle 12 on. So two broadcasts wait from cycle 13 on, which stops grants
    from cycle 15 on, and that FIFO is full with those of cycle 14 and before. It takes five in
    cycles 56 to 60, until two jobs wait again. A fifteenth is granted when it is less than two.
    """
    config = EngineConfig(pes=2, group=1, queue_depth=6, stages=Stages(fifo=7))
    jobs = schedule(config, np.array([[9] * 14, [0] * 14]), 1)
    assert jobs.broadcast.tolist() == list(range(4, 18))
    assert jobs.push[:12, 0].tolist() == [*range(8, 15), *range(59, 64)]
    assert jobs.stalls == 3  # up to cycle 17, in which the last one arrives
    jobs = schedule(config, np.array([[9] * 15, [0] * 15]), 1)
    taken = jobs.push[12, 0] - 3  # one is left
    assert jobs.broadcast[14] == taken + 3 + 3
    assert jobs.stalls == taken + 3 - 15


def test_pes_on_one_memory_take_turns_by_hand() -> None:
    """Entries are read in even cycles of the layer for PE 0, in odd ones for PE 1."""
    config = EngineConfig(pes=2, group=2, entry_memory=EntryMemory.SPRAM, run_width=4)
    jobs = schedule(config, np.array([[1, 3], [1, 1]]), 1)
    assert jobs.push[:, 0].tolist() == [4, 5]
    assert jobs.pop.T.tolist() == [[6, 8], [5, 7]]


def test_operations_of_a_group_by_hand() -> None:
    """Three cycles each; PE 1 is over first, PE 0 while PE 1 operates, PE 2 alone in its group."""
    config = EngineConfig(pes=3, group=2)
    starts = operation_starts(config, np.array([11, 9, 10]), length=3)
    assert starts.tolist() == [15, 11, 12]
    # PEs 1 and 2 are over together: the lower one goes first, and then PE 0, over meanwhile.
    config = config.replace(group=3, act_depth=96)
    starts = operation_starts(config, np.array([11, 9, 9]), length=3)
    assert starts.tolist() == [15, 11, 19]
