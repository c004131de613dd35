"""Entry reader: one entry every cycle, back to back; the first of each job is marked."""

import itertools
from collections import deque

import numpy as np
import pytest

from golden import layout
from rtl.entry_reader import EntryReader
from sim.harness import simulate
from tests.rtl.helpers import tiny_config

CONFIG = tiny_config()
Job = tuple[int, int, int]
"""start, count, value"""


def run(jobs: list[Job], arrival: list[int]) -> list[dict[str, int]]:
    """Offer jobs from their arrival cycles on, as the queue does; what is seen in each cycle."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 1 << CONFIG.code_width, CONFIG.entry_depth)
    words = layout.pack(layout.entry(CONFIG), code=code, run=np.arange(CONFIG.entry_depth) % 31)
    dut = EntryReader(config=CONFIG, init=[int(word) for word in words])
    waiting, seen = deque(zip(arrival, jobs, strict=True)), []
    cycles = max(arrival, default=0) + sum(count for _, count, _ in jobs) + 6

    async def bench(ctx) -> None:
        for cycle in range(cycles):
            offered = bool(waiting) and waiting[0][0] <= cycle
            ctx.set(dut.job_valid, offered)
            if offered:
                start, count, value = waiting[0][1]
                ctx.set(dut.job, {"start": start, "count": count, "value": value})
            names = ("pop", "issuing", "address", "valid", "first", "value")
            row = {name: ctx.get(getattr(dut, name)) for name in names}
            entry = ctx.get(dut.entry)
            seen.append({**row, "code": entry.code, "run": entry.run})
            if row["pop"]:
                waiting.popleft()
            await ctx.tick()

    simulate(dut, bench, max_cycles=cycles + 2)
    assert not waiting
    for row in seen:
        row["word"] = row["code"] | row["run"] << CONFIG.code_width
    # The memory is one cycle behind the address, for every entry.
    for now, after in itertools.pairwise(seen):
        assert after["valid"] == now["issuing"]
        if now["issuing"]:
            assert after["word"] == int(words[now["address"]])
    return seen


def expected(jobs: list[Job], arrival: list[int]) -> list[tuple[int, int, int, int]]:
    """(cycle, address, first, value) of every issue."""
    issues, free = [], -1
    for (start, count, value), at in zip(jobs, arrival, strict=True):
        pop = max(at, free)
        issues += [(pop + 1 + n, start + n, int(n == 0), value) for n in range(count)]
        free = pop + count
    return issues


def issues(seen: list[dict[str, int]]) -> list[tuple[int, int, int, int]]:
    return [
        (cycle, row["address"], after["first"], after["value"])
        for cycle, (row, after) in enumerate(itertools.pairwise(seen))
        if row["issuing"]
    ]


@pytest.mark.parametrize("counts", [[1] * 8, [3, 1, 1, 4, 2], [8]])
def test_waiting_jobs_follow_without_a_bubble(counts: list[int]) -> None:
    jobs = [(5 * n, count, n - 4) for n, count in enumerate(counts)]
    seen = run(jobs, [0] * len(jobs))
    assert issues(seen) == expected(jobs, [0] * len(jobs))
    busy = [row["issuing"] for row in seen]
    assert busy == [0] + [1] * sum(counts) + [0] * (len(busy) - 1 - sum(counts))


@pytest.mark.parametrize("seed", range(5))
def test_jobs_that_come_now_and_then(seed: int) -> None:
    rng = np.random.default_rng(seed)
    jobs = [
        (int(rng.integers(0, 56)), int(rng.integers(1, 9)), int(rng.integers(-128, 128)))
        for _ in range(30)
    ]
    arrival = [int(cycle) for cycle in np.cumsum(rng.integers(0, 9, 30))]
    assert issues(run(jobs, arrival)) == expected(jobs, arrival)
