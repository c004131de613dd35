"""Drain control: lowest ready PE first, one at a time, all its rows; the clear after a reset."""

import numpy as np
import pytest
from rtl.operations.drain_control import DrainControl

from golden.config import EngineConfig
from golden.timing.schedule import operation_starts
from tests.rtl.helpers import drive, tiny_config

WATCH = ["step.valid", "step.row", "step.slot", "step.index", "clear", "over"]
Row = dict[str, int]


def run(config: EngineConfig, ready: list[int], rows: int, *, cycles: int) -> list[Row]:
    """One layer, after the reset's clear; PEs are ready from its cycle `ready[pe]` on."""
    clear = DrainControl.clear_cycles(config)
    inputs: list[Row] = [{} for _ in range(clear)]
    for cycle in range(cycles):
        bits = sum(int(first <= cycle) << pe for pe, first in enumerate(ready))
        inputs.append({"ready": bits, "rows": rows - 1})
    dut = DrainControl(config=config, size=len(ready))
    return drive(dut, inputs, WATCH)[clear:]


def by_hand(ready: list[int], rows: int, cycles: int) -> list[tuple[int, int] | None]:
    """(PE, row) drained in each cycle, as the docstring says."""
    left, running, result = set(range(len(ready))), [], []
    for cycle in range(cycles):
        result.append(running.pop(0) if running else None)
        if result[-1] is None:  # a cycle without a step: it chooses
            waiting = [pe for pe in sorted(left) if ready[pe] <= cycle]
            if waiting:
                left.remove(waiting[0])
                running = [(waiting[0], row) for row in range(rows)]
    return result


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_the_lowest_ready_pe_goes_first_and_drains_all_its_rows(size: int, seed: int) -> None:
    config = tiny_config(pes=size, group=size, act_depth=64)
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, config.row_depth + 1))
    ready = [int(cycle) for cycle in rng.integers(0, 4 * rows, size)]
    cycles = max(ready) + size * (rows + 1) + 6
    seen = run(config, ready, rows, cycles=cycles)
    expected = by_hand(ready, rows, cycles)
    for row, step in zip(seen, expected, strict=True):
        assert row["step.valid"] == (step is not None)
        assert row["clear"] == (1 << step[0] if step else 0)
        if step:
            assert (row["step.slot"], row["step.row"]) == step
            assert row["step.index"] == step[1] * size + step[0]
    last = max(cycle for cycle, step in enumerate(expected) if step)
    assert [row["over"] for row in seen] == [int(cycle > last) for cycle in range(cycles)]
    # And as the timing model has it.
    reads = [
        max(cycle for cycle, step in enumerate(expected) if step and step[0] == pe)
        for pe in range(size)
    ]
    starts = operation_starts(config, np.array(ready) - 1, length=rows)
    assert (starts + rows - 1).tolist() == reads


def test_the_next_layer_is_drained_after_the_swap() -> None:
    config = tiny_config(pes=2, group=2)
    clear = DrainControl.clear_cycles(config)
    layer = [{"ready": 3, "rows": 1}] * 10
    rows = [{}] * clear + layer + [{"swap": 1, "rows": 1}] + layer
    seen = drive(DrainControl(config=config, size=2), rows, WATCH)[clear:]
    steps = [(n, r["step.slot"], r["step.row"]) for n, r in enumerate(seen) if r["step.valid"]]
    once = [(1, 0, 0), (2, 0, 1), (4, 1, 0), (5, 1, 1)]
    assert steps == once + [(cycle + 11, slot, row) for cycle, slot, row in once]
    assert [n for n, row in enumerate(seen) if row["over"]] == [*range(6, 11), *range(17, 21)]


@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("depth", [1, 5, 8])
def test_a_reset_clears_every_row_of_every_pe(stages: int, depth: int) -> None:
    config = tiny_config(row_depth=depth, multiplier_stages=stages)
    clear = DrainControl.clear_cycles(config)
    seen = drive(DrainControl(config=config, size=3), [{}] * (clear + 20), WATCH)
    wiped = {n: row["step.row"] for n, row in enumerate(seen) if row["clear"]}
    # First what was on its way at the reset must have left the multiplier.
    assert wiped == {clear - depth + row: row for row in range(depth)}
    assert min(wiped) == stages + 1
    assert {row["clear"] for row in seen} == {0, 0b111}
    assert not any(row["step.valid"] or row["over"] for row in seen)
