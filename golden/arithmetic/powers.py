"""Activations as a sign and an exponent (Miyashita et al., LogNet, 2016): rounding, and codes.

`levels` are the magnitudes that there are, ascending: EngineFields.act_levels. A network's input
may be a sum of several such powers (Li et al., Additive Powers-of-Two Quantization, ICLR 2020).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.kinds import Powers

Ints = NDArray[np.int64]


def nearest(doubled: ArrayLike, levels: Sequence[int]) -> Ints:
    """The level, of either sign, or 0 that is nearest to a number x; of two the greater.

    doubled: floor(2 x), which is enough, as the borders are at halves. Beyond the last level it is
    that. int64 of the same shape.
    """
    given = np.asarray(doubled, dtype=np.int64)
    table = np.array([0, *levels], dtype=np.int64)
    # 2 |x| of a negative x, rounded up, less 1: so one on a border goes up.
    code = np.searchsorted(table[1:] + table[:-1], np.where(given < 0, ~given, given), "right")
    return np.where(given < 0, -table[code], table[code])


def split(values: ArrayLike, powers: Powers) -> Ints:
    """The powers whose sum stands for each integer, shape (terms, *values.shape).

    Each is the nearest to what those before it leave; so after a 0 all others are 0.
    """
    left = np.asarray(values, dtype=np.int64)
    found = np.zeros((powers.terms, *left.shape), dtype=np.int64)
    for number in range(powers.terms):
        found[number] = nearest(2 * left, powers.levels)
        left = left - found[number]
    return found


def rounded(scaled: ArrayLike, powers: Powers) -> Ints:
    """What an engine makes of real numbers in its units, which do not exceed its integers.

    One power is the nearest. Where there are several, a number is an integer first.
    """
    if powers.terms == 1:
        return nearest(np.floor(2 * np.asarray(scaled)), powers.levels)
    return split(np.rint(scaled), powers).sum(axis=0)


def encode(values: ArrayLike, levels: Sequence[int]) -> Ints:
    """Words of activations that are levels of either sign, or 0: code 0 is 0, code k level k - 1.

    The sign is above the code.
    """
    given = np.asarray(values, dtype=np.int64)
    code = np.searchsorted(np.array([0, *levels]), np.abs(given))
    return code + (given < 0) * (1 << len(levels).bit_length())


def decode(words: ArrayLike, levels: Sequence[int]) -> Ints:
    """The reverse of `encode`."""
    given = np.asarray(words, dtype=np.int64)
    sign = 1 << len(levels).bit_length()
    value = np.array([0, *levels], dtype=np.int64)[given & (sign - 1)]
    return np.where(given & sign, -value, value)


def doubled(value: ArrayLike, shift: int) -> Ints:
    """floor(2 x) of x = value / 2**shift."""
    return np.asarray(value, dtype=np.int64) * 2 >> shift
