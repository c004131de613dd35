"""Drain unit: the right PE's sum and its bias, requantised; with cells its function, later."""

from fractions import Fraction

import numpy as np
import pytest

from golden.arithmetic import functions
from golden.format.program import Function
from rtl.operations.drain_unit import DrainUnit
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

LEAST, MOST = -(1 << 15), (1 << 15) - 1
GOLDEN = {
    Function.IDENTITY: lambda v: v,
    Function.TANH: functions.tanh,
    Function.SIGMOID: functions.sigmoid,
    Function.COMPLEMENT: functions.sigmoid_complement,
}
VALUE, VALUED = 4, 9
"""Cycles from a result to its value, and to its function's; one more with `stages.drain`."""


def saturated(value: int) -> int:
    return max(LEAST, min(MOST, value))


@pytest.mark.parametrize(
    ("group", "size"), [(1, 1), (2, 2), (4, 4), (4, 3), (3, 1), (7, 7), (8, 5)]
)
@pytest.mark.parametrize("drain", [0, 1])
def test_one_sum_a_cycle(group: int, size: int, drain: int) -> None:
    config = tiny_config(pes=8, group=group, acc_width=24, act_depth=64, stages={"drain": drain})
    rng = np.random.default_rng(size)
    rows: list[dict[str, int]] = [{"settings.shift": 14} for _ in range(110 + drain)]
    expected: dict[int, int] = {}
    for cycle in range(110):
        results = [int(result) for result in rng.integers(-(1 << 20), 1 << 20, size)]
        slot, bias = int(rng.integers(0, size)), int(rng.integers(-(1 << 20), 1 << 20))
        rows[cycle] |= {f"results.{pe}": result for pe, result in enumerate(results)}
        rows[cycle]["slot"] = slot
        rows[cycle + drain]["bias"] = bias
        total = results[slot] + bias
        expected[cycle + drain + VALUE] = max(-128, min(127, round(total / 2**14)))
    rows += [{"settings.shift": 14}] * VALUE
    seen = drive(DrainUnit(config=config, size=size), rows, ["value"])
    assert {n: seen[n]["value"] for n in expected} == expected
    assert len(set(expected.values())) > 10


@pytest.mark.parametrize("frac", [8, 11, 12])
@pytest.mark.parametrize(("group", "size", "drain"), [(1, 1, 0), (2, 2, 1), (4, 3, 0), (4, 3, 1)])
def test_one_total_a_cycle_and_its_function(group: int, size: int, frac: int, drain: int) -> None:
    config = cell_config(
        pes=8,
        group=group,
        state_frac=frac,
        shift_low=3,
        shift_high=30,
        stages={"drain": drain},
    )
    rng = np.random.default_rng(size + frac)
    count = 400
    rows: list[dict[str, int]] = [{} for _ in range(count + drain + VALUED)]
    value: dict[int, int] = {}
    valued: dict[int, int] = {}
    for cycle in range(count):
        slot, shift = int(rng.integers(0, size)), int(rng.integers(3, 31))
        scale = 1 << (shift + int(rng.integers(8, 17)))
        scale = min(scale, 1 << 37)  # 40 bits, and room for a bias
        results = [int(r) for r in rng.integers(-scale, scale, size)]
        bias, with_bias = int(rng.integers(-scale, scale)), int(rng.random() < 0.5)
        relu, state, narrow = (int(rng.random() < 0.3) for _ in range(3))
        function = Function(int(rng.integers(0, 4)))
        rows[cycle] |= {f"results.{n}": result for n, result in enumerate(results)}
        rows[cycle]["slot"] = slot
        late = cycle + drain
        rows[late] |= {"bias": bias, "with_bias": with_bias}
        rows[late + 1] |= {"settings.shift": shift - config.shift_low, "settings.relu": relu}
        rows[late + VALUE] |= {"state": state, "function": int(function), "narrow": narrow}
        total = saturated(round(Fraction(results[slot] + bias * with_bias, 1 << shift)))
        value[late + VALUE] = total = max(total, 0) if relu else total
        argument = saturated(total << (12 - frac)) if state else total
        result = int(GOLDEN[function](np.array([argument]))[0])
        narrowed = round(Fraction(result, 1 << (14 - frac)))
        valued[late + VALUED] = narrowed if narrow else result
    seen = drive(DrainUnit(config=config, size=size), rows, ["value", "valued"])
    assert {n: seen[n]["value"] for n in value} == value
    assert {n: seen[n]["valued"] for n in valued} == valued
    assert {LEAST, MOST} <= set(value.values())
