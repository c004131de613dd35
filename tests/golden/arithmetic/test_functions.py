"""Sigmoid and tanh: all 65,536 inputs against plain integers, the real functions and the bounds."""

import hashlib
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from golden.arithmetic import functions
from golden.arithmetic.functions import (
    ONE,
    SIGMOID_ERROR,
    TANH_ERROR,
    sigmoid,
    sigmoid_complement,
    tanh,
)
from golden.kinds import BASE_FRAC, DELTA_WIDTH, SEGMENTS
from tests.golden.arithmetic.slow_functions import (
    exact_knots,
    exact_table,
    slow_sigmoid,
    slow_tanh,
)

Function = Callable[[np.ndarray], np.ndarray]
ALL = np.arange(-(1 << 15), 1 << 15)
ENTRIES = "88597d48b1832a3e5d02bf942d80869886e25c3db53a11788cb67ea674dc9da4"


def test_the_table_is_the_same_everywhere() -> None:
    base, delta = functions.tanh_table()
    assert (base.tolist(), delta.tolist()) == exact_table()
    words = np.stack([base, delta]).astype("<u2").tobytes()
    assert hashlib.sha256(words).hexdigest() == ENTRIES


def test_no_entry_is_near_a_tie() -> None:
    """2**-9 of the last place is 2**-25: far more than any tanh in double precision is off."""
    knots = [knot for part in exact_knots() for knot in part]
    assert min(abs(knot % 1 - Decimal("0.5")) for knot in knots) > Decimal(2) ** -9


def test_the_entries_fit_their_fields() -> None:
    base, delta = functions.tanh_table()
    assert len(base) == len(delta) == SEGMENTS
    assert base.min() == 0
    assert base.max() == (1 << BASE_FRAC) - 1
    assert delta.min() == 0
    assert delta.max().item().bit_length() == DELTA_WIDTH
    assert not base.flags.writeable
    assert not delta.flags.writeable


def test_where_the_table_is_cut_off_no_result_changes() -> None:
    """The end before the first one that rounds to 65536 is 65535, which has the same results."""
    knots = [int(knot.to_integral_value()) for knot in exact_knots()[-1]]
    assert knots[knots.index(65536) - 1] == 65535
    assert max(knots) == 65536


def test_all_inputs_against_plain_integers() -> None:
    sigmoids = [slow_sigmoid(v) for v in ALL.tolist()]
    assert tanh(ALL).tolist() == [slow_tanh(v) for v in ALL.tolist()]
    assert sigmoid(ALL).tolist() == sigmoids
    assert sigmoid_complement(ALL).tolist() == [16384 - s for s in sigmoids]


@pytest.mark.parametrize(
    ("function", "real", "bound"),
    [
        (tanh, lambda v: np.tanh(v / 4096), TANH_ERROR),
        (sigmoid, lambda v: 1 / (1 + np.exp(-v / 2048)), SIGMOID_ERROR),
        (sigmoid_complement, lambda v: 1 / (1 + np.exp(v / 2048)), SIGMOID_ERROR),
    ],
    ids=["tanh", "sigmoid", "complement"],
)
def test_the_bound_holds_and_is_tight(function: Function, real: Function, bound: float) -> None:
    worst = np.abs(function(ALL) / ONE - real(ALL)).max()
    assert worst <= bound < 1.1 * worst


def test_line_error_by_itself() -> None:
    """The part of the bound that is calculus, on unrounded ends and real fractions."""
    worst = 0.0
    for step, low, high in ((1 / 64, 0, 2), (1 / 32, 2, 4), (1 / 16, 4, 8)):
        x = np.linspace(low, high, round((high - low) / step) * 64 + 1)
        knots = np.arange(low, high + step, step)
        t = np.tanh(knots)
        line = np.interp(x, knots, t + step**2 / 8 * t * (1 - t * t))
        worst = max(worst, np.abs(line - np.tanh(x)).max())
    assert worst <= functions.LINE_ERROR < 1.1 * worst


def test_symmetry_monotony_and_ends() -> None:
    v = ALL[1:]
    assert np.array_equal(tanh(-v), -tanh(v))
    assert np.array_equal(sigmoid(-v), ONE - sigmoid(v))
    assert (np.diff(tanh(ALL)) >= 0).all()
    assert (np.diff(sigmoid(ALL)) >= 0).all()
    assert tanh([-32768, -32767, 0, 32767]).tolist() == [-ONE, -ONE, 0, ONE]
    assert sigmoid([-32768, -32767, 0, 32767]).tolist() == [0, 0, ONE // 2, ONE]


def test_shapes_are_kept_and_larger_values_saturate() -> None:
    assert tanh(5).shape == ()
    assert sigmoid(np.zeros((2, 3), dtype=np.int16)).shape == (2, 3)
    far = np.array([-(1 << 40), 1 << 40])
    assert tanh(far).tolist() == tanh([-32768, 32767]).tolist()
    # 16-bit inputs whose magnitude 16 bits cannot say.
    assert tanh(np.array([-32768], dtype=np.int16)).tolist() == [-ONE]
