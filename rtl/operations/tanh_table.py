"""The words of the function unit's table (docs/format.md, "Sigmoid and tanh")."""

from decimal import Decimal, localcontext

SEGMENTS = 256
"""Words."""
BASE_WIDTH = 16
"""Bits of a word's base."""
DELTA_WIDTH = 11
"""Bits of a word's delta, above the base."""


def tanh_words() -> list[int]:
    """All words, computed in decimal, so that no machine's tanh is involved."""
    with localcontext(prec=30):
        return [_word(segment) for segment in range(SEGMENTS)]


def _word(segment: int) -> int:
    """Base and delta: segments are 1/64 long below 2, then 1/32, and 1/16 from 4 on."""
    if segment < 128:
        length, start = Decimal(1) / 64, segment
    elif segment < 192:
        length, start = Decimal(1) / 32, segment - 64
    else:
        length, start = Decimal(1) / 16, segment - 128
    base = _end(start * length, length)
    return (_end((start + 1) * length, length) - base) << BASE_WIDTH | base


def _end(x: Decimal, length: Decimal) -> int:
    """An end of a chord, raised by half the distance of a chord of that length below tanh."""
    power = (2 * x).exp()
    t = (power - 1) / (power + 1)
    raised = t + length * length / 8 * t * (1 - t * t)
    top = 1 << BASE_WIDTH
    return min(round(top * raised), top - 1)
