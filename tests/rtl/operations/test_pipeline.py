"""Operations on their way: each part in its cycle, from docs/timing.md; whatever comes between."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from golden.arithmetic import functions
from golden.config import EngineConfig
from golden.format.program import OPERATIONS, Function
from rtl.layouts import operation_layout
from rtl.operations.pipeline import OperationPipeline
from rtl.operations.table import rows as table
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

Row = dict[str, int]
GOLDEN = {
    Function.IDENTITY: lambda v: v,
    Function.TANH: functions.tanh,
    Function.SIGMOID: functions.sigmoid,
    Function.COMPLEMENT: functions.sigmoid_complement,
}
DRAIN, FUNCTION = 4, 5
"""Cycles from a PE's result to its activation, and from that to its function's value."""
BASE = 11


def requantised(total: int, shift: int, width: int) -> int:
    limit = 1 << (width - 1)
    return max(-limit, min(limit - 1, round(Fraction(total, 1 << shift))))


def noise(rng: np.random.Generator, config: EngineConfig, size: int, cycles: int) -> list[Row]:
    """A result of every PE and a bias in every cycle: taken from a wrong cycle, they show."""
    top = 1 << (config.acc_width - 2)
    rows = []
    for _ in range(cycles):
        scale = top >> int(rng.integers(0, config.acc_width - 8))
        rows.append({f"results.{pe}": int(rng.integers(-scale, scale)) for pe in range(size)})
        rows[-1]["bias"] = int(rng.integers(-scale, scale))
    return rows


def shown(seen: list[Row], valid: str, *names: str) -> dict[int, tuple[int, ...]]:
    """What some ports show in the cycles in which another is set."""
    return {n: tuple(row[name] for name in names) for n, row in enumerate(seen) if row[valid]}


@pytest.mark.parametrize("function", [None, *Function])
@pytest.mark.parametrize(
    ("group", "size", "entry_stages", "multiplier_stages", "drain"),
    [(1, 1, 1, 2, 0), (2, 2, 2, 3, 1), (4, 3, 1, 4, 0), (3, 3, 2, 2, 1)],
)
def test_rows_of_a_dense_layer(
    group: int,
    size: int,
    entry_stages: int,
    multiplier_stages: int,
    drain: int,
    function: Function | None,
) -> None:
    """Sums are added, biased and requantised, one a cycle; functions come 5 cycles later."""
    config = tiny_config(
        pes=8,
        group=group,
        act_width=8 if function is None else 16,
        weight_width=8,
        entry_stages=entry_stages,
        multiplier_stages=multiplier_stages,
        shift_low=3,
        shift_high=30,
        functions=function is not None,
        stages={"drain": drain},
    )
    rng = np.random.default_rng(size)
    count = 80
    rows = noise(rng, config, size, count + 24)
    shift = 20
    begin = entry_stages + multiplier_stages - 1
    adds: dict[int, int] = {}
    sums: dict[int, int] = {}
    biases: dict[int, tuple[int, ...]] = {}
    outputs: dict[int, tuple[int, ...]] = {}
    for cycle, row in enumerate(rows):
        row |= {"phase.bias_base": BASE, "phase.shift": shift - 3, "phase.relu": 0}
        if function is not None:
            row["phase.function"] = int(function)
        if cycle >= count or rng.random() < 0.3:
            continue
        slot, number = int(rng.integers(0, size)), int(rng.integers(0, config.row_depth))
        wipe = rng.random() < 0.1
        row |= {"operation.slot": slot, "operation.row": number}
        row |= {"wipe": 1} if wipe else {"operation.valid": 1}
        adds[cycle + begin] = (1 << size) - 1 if wipe else 1 << slot
        sums[cycle + begin] = number
        if wipe:
            continue
        index = number * group + slot
        biases[cycle + begin] = (BASE + index,)
        given = rows[cycle + begin + 1]
        total = given[f"results.{slot}"] + rows[cycle + begin + 1 + drain]["bias"]
        value = requantised(total, shift, config.act_width)
        late = drain
        if function:
            late, value = drain + FUNCTION, int(GOLDEN[function](np.array([value]))[0])
        outputs[cycle + begin + 1 + DRAIN + late] = (index, value)
    dut = OperationPipeline(config=config, size=size)
    watch = ["to_add", "totals.row", "bias_read", "bias_address", "output", "index", "activation"]
    seen = drive(dut, rows, watch)
    assert {n: row["to_add"] for n, row in enumerate(seen) if row["to_add"]} == adds
    assert {n: seen[n]["totals.row"] for n in sums} == sums
    assert shown(seen, "bias_read", "bias_address") == biases
    assert shown(seen, "output", "index", "activation") == outputs
    assert len(outputs) > 30


@pytest.mark.parametrize("after", [Function.IDENTITY, Function.SIGMOID])
@pytest.mark.parametrize("before", [Function.IDENTITY, Function.TANH])
def test_a_result_keeps_the_function_of_its_own_layer(before: Function, after: Function) -> None:
    """The phase may change in the cycle after a sum was requantised."""
    config = tiny_config(act_width=16, weight_width=8, functions=True)
    at = config.entry_stages + config.multiplier_stages + DRAIN
    rows: list[Row] = [{"results.0": 700 << 10} for _ in range(at + FUNCTION + 4)]
    rows[0] |= {"operation.valid": 1, "operation.row": 2}
    for cycle, row in enumerate(rows):
        row |= {"phase.shift": 10, "phase.function": int(before if cycle <= at else after)}
    dut = OperationPipeline(config=config, size=4)
    seen = drive(dut, rows, ["output", "index", "activation"])
    late = FUNCTION if before else 0
    value = int(GOLDEN[before](np.array([700]))[0])
    assert shown(seen, "output", "index", "activation") == {at + late: (2 * 4, value)}


def operations(config: EngineConfig, cycles: int, rng: np.random.Generator) -> dict[int, Row]:
    """Random operations of all programs; so far apart that no two write in one cycle."""
    found: dict[int, Row] = {}
    cycle = 0
    while cycle < cycles:
        row = table(config)[int(rng.integers(0, len(OPERATIONS)))]
        row = {**row, "mask": row["old"] & int(rng.integers(0, 2))}
        named = {name for name, _ in operation_layout(config)}
        found[cycle] = {name: value for name, value in row.items() if name in named}
        found[cycle] |= {
            "valid": 1,
            "slot": int(rng.integers(0, config.group_size(0))),
            "row": int(rng.integers(0, config.row_depth)),
            "cell": int(rng.integers(0, 20)),  # as many as a list has room for
        }
        cycle += int(rng.integers(FUNCTION + 1, FUNCTION + 4))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"pes": 1, "group": 1},
        {"pes": 6, "group": 3, "entry_stages": 2, "state_frac": 11},
        {"pes": 4, "group": 2, "streams": 3, "multiplier_stages": 4},
        {"pes": 5, "group": 3, "stages": {"drain": 1}},
    ],
)
def test_operations_on_cells(changes: dict[str, Any]) -> None:
    """Operands are read and results written where the docs say, in their cycles."""
    config = cell_config(shift_low=3, shift_high=30, **changes)
    rng = np.random.default_rng(config.pes)
    size, frac, cycles = config.group_size(0), config.state_frac, 600
    state = config.cells if config.streams > 1 else 0
    base = {0: state, 1: config.streams * config.cells, 2: (config.streams + 1) * config.cells}
    read, begin = config.entry_stages, config.entry_stages + config.multiplier_stages - 1
    drain = config.stages.drain
    at = begin + 3 + drain + DRAIN
    rows, shift = noise(rng, config, size, cycles + 24), 17
    reads: dict[tuple[int, int], int] = {}
    operands: dict[tuple[int, int], tuple[int, ...]] = {}
    writes: dict[tuple[int, int], tuple[int, ...]] = {}
    outputs: dict[int, tuple[int, ...]] = {}
    for row in rows:
        row |= {"phase.shift": shift - 3, "phase.state": state}
    for cycle, one in operations(config, cycles, rng).items():
        rows[cycle] |= {f"operation.{name}": value for name, value in one.items()}
        slot, cell = one["slot"], one["cell"]
        reads[cycle + read, slot] = base[one["word"]] + cell
        left = one["memory"] | one["one"]
        operands[cycle + read + 1, slot] = (left, left | one["look"], one["one"], one["mask"])
        given = rows[cycle + begin + 3]
        bias = rows[cycle + begin + 3 + drain]["bias"]
        total = given[f"results.{slot}"] + bias * one["sums"]
        value = requantised(total, 14 if one["product"] else shift + one["more"], 16)
        if one["output"]:
            outputs[cycle + at] = (cell * config.group + slot, value)
        if one["raw"]:
            writes[cycle + at, slot] = (0b10, base[0] + cell, value)
        if one["left_half"] or one["right_half"]:
            argument = requantised(value << (12 - frac), 0, 16) if one["raw"] else value
            valued = int(GOLDEN[Function(one["function"])](np.array([argument]))[0])
            if one["narrow"]:
                valued = round(Fraction(valued, 1 << (14 - frac)))
            half = one["left_half"] | one["right_half"] << 1
            writes[cycle + at + FUNCTION, slot] = (half, base[one["target"]] + cell, valued)
    per_pe = ("read", "address", "use_left", "use_right", "one", "mask")
    per_pe += ("write", "write_address", "value")
    watch = [f"access.{pe}.{name}" for pe in range(size) for name in per_pe]
    dut = OperationPipeline(config=config, size=size)
    seen = drive(dut, rows, [*watch, "output", "index", "activation", "half"])

    def of(name: str, pe: int, cycle: int) -> int:
        return seen[cycle][f"access.{pe}.{name}"]

    every = [(cycle, pe) for cycle in range(len(seen)) for pe in range(size)]
    found = {(n, pe): of("address", pe, n) for n, pe in every if of("read", pe, n)}
    assert found == reads
    names = ("use_left", "use_right", "one", "mask")
    assert {(n, pe): tuple(of(name, pe, n) for name in names) for n, pe in operands} == operands
    idle = [(n, pe) for n, pe in every if (n, pe) not in operands]
    assert not any(of("use_left", pe, n) | of("use_right", pe, n) for n, pe in idle)
    names = ("write", "write_address", "value")
    assert {
        (n, pe): tuple(of(name, pe, n) for name in names) for n, pe in every if of("write", pe, n)
    } == writes
    assert [row["half"] != 0 for row in seen] == [
        any((n, pe) in writes for pe in range(size)) for n in range(len(seen))
    ]
    assert shown(seen, "output", "index", "activation") == outputs
    assert min(len(outputs), len(writes)) > 10
