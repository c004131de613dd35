"""Entry reader: one entry every cycle, back to back; the first of each job is marked."""

import itertools
from collections import deque

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.format import layout
from rtl.pe.entry_reader import EntryReader
from sim.harness import simulate
from tests.rtl.helpers import tiny_config

WHOLE = tiny_config()
LANES = tiny_config(entry_memory="spram", code_width=4, run_width=3)
BOTH = pytest.mark.parametrize("config", [WHOLE, LANES], ids=["one entry a word", "two"])
Job = tuple[int, int, int]
"""start (of a word), count, value"""


def run(
    config: EngineConfig, jobs: list[Job], arrival: list[int], turn: int = 0
) -> list[dict[str, int]]:
    """Offer jobs from their arrival cycles on, as the queue does; what is seen in each cycle.

    With two entries a word, jobs may begin in every other cycle, and a neighbour's word shows
    where the reader has not asked for one.
    """
    rng = np.random.default_rng(0)
    lanes = config.entry_lanes
    code = rng.integers(0, 1 << config.code_width, config.entry_depth)
    run = rng.integers(0, 1 << config.run_width, config.entry_depth)
    entries = layout.pack(layout.entry(config), code=code, run=run).astype(int)
    words = (entries.reshape(-1, lanes) << (8 * np.arange(lanes))).sum(axis=1)
    dut = EntryReader(config=config)
    waiting, seen = deque(zip(arrival, jobs, strict=True)), []
    cycles = max(arrival, default=0) + sum(count + 2 for _, count, _ in jobs) + 6

    async def bench(ctx) -> None:
        for cycle in range(cycles):
            offered = bool(waiting) and waiting[0][0] <= cycle
            ctx.set(dut.job_valid, offered)
            ctx.set(dut.turn, lanes == 1 or cycle % 2 == turn)
            if offered:
                start, count, value = waiting[0][1]
                ctx.set(dut.job, {"start": start, "count": count, "value": value})
            names = ("pop", "issuing", "address", "fetch", "valid", "first", "value")
            row = {name: ctx.get(getattr(dut, name)) for name in names}
            entry = ctx.get(dut.entry)
            seen.append({**row, "entry": entry.code | entry.run << config.code_width})
            if row["pop"]:
                waiting.popleft()
            address = ctx.get(dut.fetch_address) if row["fetch"] else int(rng.integers(len(words)))
            await ctx.tick()
            ctx.set(dut.word, int(words[address]))

    simulate(dut, bench, max_cycles=cycles + 2)
    assert not waiting
    # The memory is one cycle behind the address, for every entry.
    for now, after in itertools.pairwise(seen):
        assert after["valid"] == now["issuing"]
        if now["issuing"]:
            assert after["entry"] == int(entries[now["address"]])
            assert now["fetch"] == (now["address"] % lanes == 0)
        else:
            assert not now["fetch"]
    return seen


def expected(
    config: EngineConfig, jobs: list[Job], arrival: list[int], turn: int = 0
) -> list[tuple[int, int, int, int]]:
    """(cycle, address, first, value) of every issue."""
    issues, free, lanes = [], -1, config.entry_lanes
    for (start, count, value), at in zip(jobs, arrival, strict=True):
        pop = max(at, free)
        pop += (turn - pop) % lanes
        first = start * lanes
        issues += [(pop + 1 + n, first + n, int(n == 0), value) for n in range(count)]
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
    seen = run(WHOLE, jobs, [0] * len(jobs))
    assert issues(seen) == expected(WHOLE, jobs, [0] * len(jobs))
    busy = [row["issuing"] for row in seen]
    assert busy == [0] + [1] * sum(counts) + [0] * (len(busy) - 1 - sum(counts))


@pytest.mark.parametrize("turn", [0, 1])
def test_two_entries_a_word_let_the_neighbour_read_in_between(turn: int) -> None:
    """No bubble behind an even number of entries; and words are read in its turns only."""
    counts = [2, 4, 1, 3, 8, 2]
    jobs = [(4 * n, count, n - 4) for n, count in enumerate(counts)]
    seen = run(LANES, jobs, [0] * len(jobs), turn)
    assert issues(seen) == expected(LANES, jobs, [0] * len(jobs), turn)
    fetches = [cycle for cycle, row in enumerate(seen) if row["fetch"]]
    assert {cycle % 2 for cycle in fetches} == {1 - turn}
    assert len(fetches) == sum(-(-count // 2) for count in counts)
    busy = [cycle for cycle, row in enumerate(seen) if row["issuing"]]
    assert busy[-1] - busy[0] + 1 == sum(counts) + 2  # one wait behind each odd job


@BOTH
@pytest.mark.parametrize("seed", range(5))
def test_jobs_that_come_now_and_then(seed: int, config: EngineConfig) -> None:
    rng = np.random.default_rng(seed)
    top = config.entry_depth // config.entry_lanes - 8
    jobs = [
        (int(rng.integers(0, top)), int(rng.integers(1, 9)), int(rng.integers(-128, 128)))
        for _ in range(30)
    ]
    arrival = [int(cycle) for cycle in np.cumsum(rng.integers(0, 9, 30))]
    assert issues(run(config, jobs, arrival)) == expected(config, jobs, arrival)
