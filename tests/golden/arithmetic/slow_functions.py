"""Sigmoid and tanh in fractions, written from docs/format.md."""

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import pairwise


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


@cache
def exact_table() -> tuple[list[int], list[int]]:
    base, delta = [], []
    for knots in exact_knots():
        rounded = [min(int(knot.to_integral_value()), 65535) for knot in knots]
        base += rounded[:-1]
        delta += [end - start for start, end in pairwise(rounded)]
    return base, delta


def slow_magnitude(v: int) -> Fraction:
    """Linear in the segment, in units of 2**-16, nothing dropped."""
    m, (base, delta) = min(abs(v), 32767), exact_table()
    if m >= 1 << 14:
        segment, fraction = 192 + (m >> 8 & 63), Fraction(m & 255, 256)
    elif m >= 1 << 13:
        segment, fraction = 128 + (m >> 7 & 63), Fraction(m & 127, 128)
    else:
        segment, fraction = m >> 6, Fraction(m & 63, 64)
    return base[segment] + delta[segment] * fraction


def half_up(value: Fraction) -> int:
    return (value + Fraction(1, 2)).__floor__()


def slow_tanh(v: int) -> int:
    """As golden.arithmetic.functions.tanh."""
    size = half_up(slow_magnitude(v) / 4)
    return -size if v < 0 else size


def slow_sigmoid(v: int) -> int:
    """As golden.arithmetic.functions.sigmoid."""
    above = half_up((65536 + slow_magnitude(v)) / 8)
    return above if v >= 0 else 16384 - above
