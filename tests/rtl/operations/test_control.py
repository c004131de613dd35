"""Control against the docs' words: whose operations run when, their fields, waits, wipes."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.format.program import FIRST, PROGRAMS, Kind, Left, Operation, Shift
from golden.timing.schedule import Latencies, operation_starts
from rtl.layouts import operation_layout
from rtl.operations.clearing import clear_cycles
from rtl.operations.control import OperationControl
from rtl.operations.table import constants, kinds
from rtl.pe.accumulator import Accumulator
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

Row = dict[str, int]


def watch(config: EngineConfig) -> list[str]:
    """All that such a control shows."""
    names = [f"operation.{name}" for name, _ in operation_layout(config)]
    names += ["look_address"] if config.cells else []
    return [*names, "wipe", "over", *(["wipe_set"] if config.sum_sets > 1 else [])]


def flags(one: Operation, *, dense: bool, phase: Row) -> Row:
    """An operation's bits, as golden.format.program tells them."""
    sums = one.gate is not None or dense
    return {
        "memory": one.left is Left.MEMORY,
        "one": one.left is Left.ONE,
        "look": one.left is Left.PEEPHOLE,
        "mask": one.old and phase.get("fresh", 0),
        "sums": sums,
        "clear": sums and one.clear and not phase.get("keep", 0),
        "join": one.join,
        "more": one.shift is Shift.MORE,
        "product": one.shift is Shift.PRODUCT,
        "narrow": one.narrow,
        "raw": one.raw is not None,
        "left_half": one.half == "left",
        "right_half": one.half == "right",
        "output": one.output,
    }


def program(config: EngineConfig, phase: Row) -> list[Row | None]:
    """One PE's operations, cycle by cycle; None in the waits between passes."""
    kind = Kind(phase.get("kind", Kind.DENSE))
    dense, found, number = kind is Kind.DENSE, [], FIRST[kind]
    for nth, ops in enumerate(PROGRAMS[kind]):
        # Docs: between two passes M + 6 + 5 cycles are free.
        found += [None] * (config.multiplier_stages + 6 + 5 if nth else 0)
        for cell in range(phase["rows"] + 1):
            for n, one in enumerate(ops):
                fields = {
                    **{"number": number + n, "cell": cell, "word": one.word},
                    "row": cell if dense else 4 * cell + (one.gate or 0),
                    **{"target": one.target, "function": one.function},
                    **flags(one, dense=dense, phase=phase),
                }
                found.append({name: int(value) for name, value in fields.items()})
                if one.left is Left.PEEPHOLE:
                    found[-1]["look_address"] = phase["peephole"] + 3 * cell + one.looks
        number += len(ops)
    return found


def by_hand(
    config: EngineConfig, ready: list[int], phase: Row, cycles: int
) -> tuple[list[Row | None], int]:
    """What begins in each cycle of a phase, and the cycle of its last operation.

    `ready[pe]`: from this cycle on. The control knows it a cycle later, and in a cycle without an
    operation, not even a wait, it chooses.
    """
    left, running, shown, last = set(range(len(ready))), [], [], 0
    for cycle in range(cycles):
        if running:
            shown.append(running.pop(0))
            last = cycle if shown[-1] else last
            continue
        shown.append(None)
        waiting = [pe for pe in sorted(left) if ready[pe] < cycle]
        if waiting:
            left.remove(waiting[0])
            running = [one and {**one, "slot": waiting[0]} for one in program(config, phase)]
    assert not left
    assert not running
    return shown, last


def random_phase(rng: np.random.Generator, config: EngineConfig, kind: Kind) -> Row:
    if not config.cells:
        return {"rows": int(rng.integers(0, config.row_depth))}
    phase = {"kind": int(kind), "rows": int(rng.integers(0, 5)), "fresh": int(rng.integers(0, 2))}
    phase["peephole"] = int(rng.integers(0, config.entry_depth - 16))
    if config.delta:
        phase["keep"] = int(rng.integers(0, 2))
    return phase


def engine(changes: dict[str, Any]) -> EngineConfig:
    """With cells, unless the changes say 0."""
    if changes.get("cells") == 0:
        return tiny_config(**{"act_depth": 64, **changes})
    return cell_config(**changes)


@pytest.mark.parametrize(
    ("size", "changes"),
    [
        (1, {"cells": 0, "pes": 1, "group": 1}),
        (2, {"cells": 0, "pes": 2, "group": 2, "entry_stages": 2}),
        (3, {"cells": 0, "pes": 3, "group": 3, "multiplier_stages": 4}),
        (4, {"cells": 0}),
        (5, {"cells": 0, "pes": 5, "group": 5, "entry_stages": 2, "multiplier_stages": 3}),
        (1, {"pes": 1, "group": 1}),
        (2, {"pes": 3, "multiplier_stages": 4}),
        (1, {"pes": 3, "group": 2, "entry_stages": 2, "delta": True}),
        (3, {"pes": 3, "group": 4, "streams": 2, "multiplier_stages": 3}),
        (5, {"pes": 5, "group": 5, "delta": True}),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_phases_one_after_the_other(size: int, changes: dict[str, Any], seed: int) -> None:
    config = engine(changes)
    rng = np.random.default_rng([size, seed])
    clear = clear_cycles(config)
    rows: list[Row] = [{} for _ in range(clear)]
    expected: list[Row | None] = [None] * len(rows)
    overs: set[int] = set()
    for kind in rng.permutation([*kinds(config)] * (2 if config.cells else 6)):
        phase = random_phase(rng, config, Kind(kind))
        length = len(program(config, phase))
        ready = [int(cycle) for cycle in rng.integers(0, 2 * length + 5, size)]
        cycles = max(ready) + size * (length + 1) + 8
        begun, last = by_hand(config, ready, phase, cycles)
        steady = {f"phase.{name}": value for name, value in phase.items()}
        for cycle in range(cycles):
            bits = sum(int(first <= cycle) << pe for pe, first in enumerate(ready))
            rows.append({**steady, "ready": bits, "end": int(cycle == cycles - 1)})
        overs |= set(range(len(expected) + last + 1, len(expected) + cycles))
        expected += begun
    seen = drive(OperationControl(config=config, size=size), rows, watch(config))
    fixed = constants(config)
    for cycle, (row, one) in enumerate(zip(seen, expected, strict=True)):
        assert row["over"] == (cycle in overs), cycle
        assert row["operation.valid"] == (one is not None), cycle
        if cycle >= clear:
            assert not row["wipe"]
        # What an engine has no field for is the same in all its operations.
        shown = {name.removeprefix("operation."): value for name, value in row.items()}
        known = {"number": 0, "cell": shown["row"], "mask": fixed.get("old", 0), **fixed, **shown}
        for name, value in (one or {}).items():
            assert known[name] == value, (cycle, name)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_without_cells_sums_are_read_as_the_timing_model_has_it(size: int, seed: int) -> None:
    config = tiny_config(pes=size, group=size, act_depth=64)
    rng = np.random.default_rng(seed)
    length = int(rng.integers(1, config.row_depth + 1))
    over = [int(cycle) for cycle in rng.integers(0, 4 * length, size)]
    clear = clear_cycles(config)
    rows: list[Row] = [{} for _ in range(clear)]
    for cycle in range(max(over) + size * (length + 1) + 6):
        bits = sum(int(first <= cycle) << pe for pe, first in enumerate(over))
        rows.append({"ready": bits, "phase.rows": length - 1})
    seen = drive(OperationControl(config=config, size=size), rows, watch(config))[clear:]
    last = {row["operation.slot"]: n for n, row in enumerate(seen) if row["operation.valid"]}
    starts = operation_starts(config, np.array(over), length=length)
    assert [last[pe] for pe in range(size)] == (starts + length - 1).tolist()


@pytest.mark.parametrize(
    "changes",
    [
        {"cells": 0, "row_depth": 1},
        {"cells": 0, "row_depth": 5, "multiplier_stages": 2},
        {"cells": 0, "row_depth": 8, "multiplier_stages": 4, "entry_stages": 2},
        {"row_depth": 5, "cells": 1},
        {"streams": 2, "entry_stages": 2},
        {"delta": True},
    ],
    ids=str,
)
def test_a_reset_clears_every_sum_once(changes: dict[str, Any]) -> None:
    config = engine({"multiplier_stages": 3, "layers": 3, **changes})
    clear = clear_cycles(config)
    # Sums that a phase keeps are cleared all the same.
    keep = {"phase.keep": 1} if config.delta else {}
    rows: list[Row] = [{**keep} for _ in range(3 * clear)]
    starts = [0]
    if config.delta:
        rows[clear + 20]["reset"] = 1
        starts.append(clear + 21)
    seen = drive(OperationControl(config=config, size=2), rows, watch(config))
    wiped = [n for n, row in enumerate(seen) if row["wipe"]]
    every = [(s, r) for s in range(config.sum_sets) for r in range(config.row_depth)]
    size = len(every)
    for n, start in enumerate(starts):
        cycles = wiped[n * size : (n + 1) * size]
        # After what was on its way in a PE; and what follows is zero before an entry comes.
        assert cycles[0] >= start + config.entry_stages + config.multiplier_stages + 2
        written = cycles[-1] + config.entry_stages + config.multiplier_stages + 1
        t = Latencies.of(config)
        push = start + clear + 1 + t.read + 1
        assert written < push + 2 + t.commit - Accumulator.LATENCY
        shown = [(seen[c].get("wipe_set", 0), seen[c]["operation.row"]) for c in cycles]
        assert shown == every
    assert len(wiped) == size * len(starts)
    # A wipe is no operation: nothing is read, written or put out for it.
    assert not any(row["operation.valid"] or row["over"] for row in seen)
    if config.cells:
        for cycle in wiped:
            bits = {name: seen[cycle][f"operation.{name}"] for name in ("sums", "clear", "join")}
            assert bits == {"sums": 1, "clear": 1, "join": 0}
