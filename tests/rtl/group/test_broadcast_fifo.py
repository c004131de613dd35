"""A group's FIFO: order, waiting, when it reports, and when the end has passed."""

from collections import deque
from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.group.broadcast_fifo import BroadcastFifo
from tests.rtl.helpers import drive, tiny_config

WATCH = ["near_full", "taken.valid", "taken.column", "taken.value", "passed"]


def config_of(fifo: int, broadcast_stages: int, push: int = 0) -> EngineConfig:
    stages: Any = {"fifo": fifo, "push": push}
    return tiny_config(broadcast_stages=broadcast_stages, stages=stages)


@pytest.mark.parametrize(("fifo", "stages"), [(5, 0), (6, 1), (12, 2), (12, 0)])
@pytest.mark.parametrize("room", [0.3, 0.9])
def test_in_order_when_there_is_room(fifo: int, stages: int, room: float) -> None:
    """Arrivals heed a report after as many cycles as the margin says; nothing is lost."""
    config = config_of(fifo, stages)
    rng = np.random.default_rng(fifo)
    late, own = config.fifo_margin - 1, int(stages > 0)
    waiting: deque[tuple[int, int]] = deque()
    way: deque[tuple[int, int] | None] = deque([None] * own)
    levels, rows, expected = [], [], []
    taken: tuple[int, int] | None = None
    for cycle in range(300):
        levels.append(len(waiting))
        # In the worst case a grant stops `late` cycles before its broadcast would arrive here.
        stopped = cycle > late and levels[cycle - late - 1 + own] >= fifo - late - 1
        sent = None
        if not stopped and rng.random() < 0.9:
            sent = (int(rng.integers(0, config.column_depth)), int(rng.integers(-128, 128)))
        rows.append({"room": int(rng.random() < room), "broadcast": sent})
        expected.append(taken)
        taken = waiting.popleft() if waiting and rows[-1]["room"] else None
        way.append(sent)
        if (came := way.popleft()) is not None:
            waiting.append(came)
    inputs = [
        {
            "room": row["room"],
            "arriving.valid": int(row["broadcast"] is not None),
            "arriving.column": (row["broadcast"] or (0, 0))[0],
            "arriving.value": (row["broadcast"] or (0, 0))[1],
        }
        for row in rows
    ]
    seen = drive(BroadcastFifo(config=config), inputs, WATCH)
    for cycle, one in enumerate(expected):
        assert seen[cycle]["taken.valid"] == (one is not None)
        if one is not None:
            assert (seen[cycle]["taken.column"], seen[cycle]["taken.value"]) == one
        if cycle:
            assert seen[cycle]["near_full"] == (levels[cycle - 1] >= config.fifo_threshold)
    assert sum(one is not None for one in expected) > 50


@pytest.mark.parametrize("push", [0, 1])
def test_the_end_passes_with_the_push_of_the_last_jobs(push: int) -> None:
    """Docs: taken + 3, or 4 with a register before the queues; not before all have arrived."""
    config = config_of(12, 0, push)
    rows: list[dict[str, int]] = [{} for _ in range(40)]
    for cycle in (2, 3, 4):
        rows[cycle] |= {"arriving.valid": 1}
    for cycle in range(5, 30):
        rows[cycle] |= {"ended": 1}
    for cycle in (6, 9, 13):
        rows[cycle] |= {"room": 1}
    rows[29]["clear"] = 1
    seen = drive(BroadcastFifo(config=config), rows, WATCH)
    assert [n for n, row in enumerate(seen) if row["taken.valid"]] == [7, 10, 14]
    assert [n for n, row in enumerate(seen) if row["passed"]] == list(range(13 + 3 + push, 30))


def test_who_ignores_the_report_trips_the_queue() -> None:
    with pytest.raises(AssertionError, match="a full queue is pushed"):
        drive(BroadcastFifo(config=config_of(8, 0)), [{"arriving.valid": 1}] * 10, WATCH)
