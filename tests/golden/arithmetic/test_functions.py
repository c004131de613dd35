"""Sigmoid and tanh: all 65,536 inputs against plain integers, the real functions and the bounds."""

import hashlib
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

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

Function = Callable[[np.ndarray], np.ndarray]
ALL = np.arange(-(1 << 15), 1 << 15)
ENTRIES = "88597d48b1832a3e5d02bf942d80869886e25c3db53a11788cb67ea674dc9da4"


def exact_tanh(x: Fraction) -> Decimal:
    """To 40 digits, from the exponential."""
    grown = (2 * Decimal(x.numerator) / Decimal(x.denominator)).exp()
    return (grown - 1) / (grown + 1)


def exact_knots() -> list[list[Decimal]]:
    """The ends of the segments in units of 2**-16 for each length of segment, unrounded."""
    knots = []
    with localcontext(prec=40):
        for low, high, step in ((0, 2, 64), (2, 4, 32), (4, 8, 16)):
            curve = [exact_tanh(Fraction(n, step)) for n in range(low * step, high * step + 1)]
            knots.append([(t + t * (1 - t * t) / (8 * step * step)) * 65536 for t in curve])
    return knots


def exact_table() -> tuple[list[int], list[int]]:
    base, delta = [], []
    for knots in exact_knots():
        rounded = [min(int(knot.to_integral_value()), 65535) for knot in knots]
        base += rounded[:-1]
        delta += [end - start for start, end in pairwise(rounded)]
    return base, delta


def slow_magnitude(m: int, base: list[int], delta: list[int]) -> Fraction:
    """Linear in the segment, in units of 2**-16, nothing dropped."""
    if m >= 1 << 14:
        segment, fraction = 192 + (m >> 8 & 63), Fraction(m & 255, 256)
    elif m >= 1 << 13:
        segment, fraction = 128 + (m >> 7 & 63), Fraction(m & 127, 128)
    else:
        segment, fraction = m >> 6, Fraction(m & 63, 64)
    return base[segment] + delta[segment] * fraction


def half_up(value: Fraction) -> int:
    return (value + Fraction(1, 2)).__floor__()


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
    base, delta = exact_table()
    tanhs, sigmoids = [], []
    for v in ALL.tolist():
        size = slow_magnitude(min(abs(v), 32767), base, delta)
        sign = -1 if v < 0 else 1
        tanhs.append(sign * half_up(size / 4))
        above = half_up((65536 + size) / 8)
        sigmoids.append(above if v >= 0 else 16384 - above)
    assert tanh(ALL).tolist() == tanhs
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
