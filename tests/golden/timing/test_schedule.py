"""The schedule of a phase's jobs and operations, by hand."""

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.kinds import EntryMemory
from golden.timing.schedule import Latencies, operation_starts, schedule


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (3, 3, 1, 4, 7, 0)),
        ({"multiplier_stages": 3}, (3, 3, 1, 5, 8, 0)),
        ({"entry_stages": 2, "multiplier_stages": 3}, (3, 3, 1, 6, 9, 0)),
        ({"stages": "drain"}, (3, 3, 1, 4, 8, 0)),
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


def test_operations_of_a_group_by_hand() -> None:
    """Three cycles each; PE 1 is over first, PE 0 while PE 1 operates, PE 2 alone in its group."""
    config = EngineConfig(pes=3, group=2)
    starts = operation_starts(config, np.array([11, 9, 10]), length=3)
    assert starts.tolist() == [15, 11, 12]
    # PEs 1 and 2 are over together: the lower one goes first, and then PE 0, over meanwhile.
    config = config.replace(group=3, act_depth=96)
    starts = operation_starts(config, np.array([11, 9, 9]), length=3)
    assert starts.tolist() == [15, 11, 19]
