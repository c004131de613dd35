"""Function unit: every value in every function against golden, one a cycle, functions mixed."""

import numpy as np
import pytest

from golden.arithmetic import functions
from rtl.operations.function_unit import Function, FunctionUnit
from rtl.operations.tanh_table import BASE_WIDTH, SEGMENTS, tanh_words
from tests.rtl.helpers import drive

ALL = np.arange(-(1 << 15), 1 << 15)
GOLDEN = {
    Function.IDENTITY: lambda v: v,
    Function.TANH: functions.tanh,
    Function.SIGMOID: functions.sigmoid,
    Function.SIGMOID_COMPLEMENT: functions.sigmoid_complement,
}


def run(values: list[int], codes: list[int]) -> list[int]:
    """Results of (value, function) pairs, one a cycle."""
    rows = [{"value": v, "function": c} for v, c in zip(values, codes, strict=True)]
    rows += [{}] * FunctionUnit.LATENCY
    return [row["result"] for row in drive(FunctionUnit(), rows, ["result"])]


def test_the_tables_words_are_golden_s() -> None:
    base, delta = functions.tanh_table()
    assert tanh_words() == (delta << BASE_WIDTH | base).tolist()
    assert len(tanh_words()) == SEGMENTS


@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.long)])
def test_every_value_in_every_function(share: int) -> None:
    """Shuffled together, so that what is left of the cycle before would show.

    With a share of 8, every other value goes into one of the functions; chance decides which.
    """
    rng = np.random.default_rng(1)
    order = rng.permutation(4 << 16)
    if share > 1:
        order = rng.permutation(ALL.size)[: 4 * ALL.size // share]
        order = order << 2 | rng.integers(0, 4, order.size)
    values, codes = ALL[order >> 2], order & 3
    expected = np.empty_like(values)
    for function, golden in GOLDEN.items():
        here = codes == function.value
        expected[here] = golden(values[here])
    got = run(values.tolist(), codes.tolist())
    assert got[FunctionUnit.LATENCY :] == expected.tolist()
