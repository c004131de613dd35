"""Codes for the non-zero weights of a matrix, of every kind (docs/compression.md, Weights)."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from elsie.compress.quantise.kmeans import kmeans, nearest
from golden.format.alphabets import decode
from golden.kinds import MacKind

Reals: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

DROPPED = -1
"""Instead of a code, for a weight that is nearer to 0."""

MAX_FRAC = 60
"""Largest weight_frac: weights below 2**-60 are negligible, and int64 holds the rest."""

Codes: TypeAlias = tuple[Ints, Ints, int]
"""Codes of the non-zero weights, DROPPED where 0 is nearer; codebook; weight_frac."""


@dataclass(frozen=True, kw_only=True)
class Coding:
    """How wide codes and weights of one layer are; see golden.format.alphabets.Coded."""

    mac: MacKind
    """What a code means."""
    code_width: int
    """Bits of a code."""
    weight_width: int
    """Bits of a shared weight."""
    zeros: int = 0
    """Places of the codebook that hold 0, whatever the weights."""
    exact: tuple[float, ...] = ()
    """Weights that the alphabet must hold just as they are, not as the nearest of its values."""


def largest_frac(values: Reals, *, width: int, max_frac: int = MAX_FRAC) -> int:
    """Largest frac <= max_frac at which rint(values x 2**frac) fits `width` signed bits."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0.0:
        return min(width - 1, max_frac)
    frac = min(width - 1 - math.floor(math.log2(largest)) + 1, max_frac)
    limit = 1 << (width - 1)
    while True:
        scaled = np.rint(values * 2.0**frac)
        if scaled.min() >= -limit and scaled.max() < limit:
            return frac
        frac -= 1


def codebook(coding: Coding, weights: Reals, max_frac: int) -> Codes:
    """Centroids of optimal k-means (Deep Compression, Han et al., ICLR 2016, section 3).

    Rounded to weight_width bits at the largest weight_frac that fits.
    """
    book = np.zeros(1 << coding.code_width, dtype=np.int64)
    if not weights.size:
        return np.zeros(0, np.int64), book, min(coding.weight_width - 1, max_frac)
    free, own = weights[~np.isin(weights, coding.exact)], np.array(coding.exact)
    room = len(book) - coding.zeros - len(own)
    centroids = np.append(kmeans(free, room), own) if free.size else own
    frac = largest_frac(centroids, width=coding.weight_width, max_frac=max_frac)
    shared = np.unique(np.rint(centroids * 2.0**frac))
    book[: len(shared)] = shared.astype(np.int64)
    return nearest(weights * 2.0**frac, shared), book, frac


def fixed(coding: Coding, weights: Reals, max_frac: int) -> Codes:
    """The power-of-two scale of least squared error, saturating."""
    width = coding.code_width
    limit = 1 << (width - 1)

    def integers(frac: int) -> Reals:
        return np.clip(np.rint(weights * 2.0**frac), -limit, limit - 1)

    # Below the largest frac without saturation the grid only gets coarser; far above it every
    # weight saturates.
    low = largest_frac(weights, width=width, max_frac=max_frac)
    fracs = range(low, min(low + width, max_frac) + 1)
    frac = min(fracs, key=lambda f: float(np.sum((integers(f) * 2.0**-f - weights) ** 2)))
    codes = integers(frac).astype(np.int64) & ((1 << width) - 1)
    return codes, np.zeros(0, np.int64), frac


def powers(coding: Coding, weights: Reals, max_frac: int) -> Codes:
    """Magnitudes that ascend with a code's lower bits, below a sign.

    The nearest, in the value domain (1.5 is the border between 1 and 2), as least squared error
    requires; LogNet (Miyashita et al., 2016, section 3) rounds the logarithm (border at sqrt 2)
    instead. A weight closer to 0 than to the smallest magnitude is dropped.
    """
    sign = 1 << (coding.code_width - 1)
    levels = decode(coding, np.arange(sign)).astype(np.float64)
    if not weights.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), min(sign - 1, max_frac)
    magnitude = np.abs(weights)
    borders = (levels[1:] + levels[:-1]) / 2

    def numbers(frac: int) -> Ints:
        """The nearest magnitude; a border belongs to the upper one."""
        return np.searchsorted(borders, magnitude * 2.0**frac, side="right")

    def dropped(frac: int) -> NDArray[np.bool_]:
        return magnitude * 2.0**frac < levels[0] / 2

    def error(frac: int) -> float:
        kept = np.where(dropped(frac), 0.0, levels[numbers(frac)] * 2.0**-frac)
        return float(np.sum((kept - magnitude) ** 2))

    # The greatest magnitude lies between the least and the largest weight.
    low = math.floor(math.log2(levels[-1]) - math.log2(magnitude.max()))
    high = math.ceil(math.log2(levels[-1]) - math.log2(magnitude.min()))
    fracs = range(min(low, max_frac), min(high, low + MAX_FRAC, max_frac) + 1)
    frac = min(fracs, key=error)
    codes = numbers(frac) + sign * (weights < 0)
    return np.where(dropped(frac), DROPPED, codes), np.zeros(0, np.int64), frac


def ternary(_: Coding, weights: Reals, max_frac: int) -> Codes:
    """Of all scales the mean magnitude has the least squared error (TWN, Li and Liu, 2016).

    The error grows with the square of a scale's distance from it, so that of 1 and 2 the nearer one
    is better, and the border is at 1.5.
    """
    if not weights.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), min(0, max_frac)
    magnitude = np.abs(weights)
    mantissa, exponent = math.frexp(float(magnitude.mean()))
    best = 1 - exponent - (mantissa >= 0.75)
    frac = min(best, max_frac)
    # A scale that had to be larger than the best would make too much of small weights.
    dropped = (frac < best) & (magnitude * 2.0**frac < 0.5)
    return np.where(dropped, DROPPED, weights < 0), np.zeros(0, np.int64), frac


def one_scale(coding: Coding, weights: Reals, max_frac: int) -> Codes:
    """-a and a: a is the mean magnitude, which has the least squared error.

    XNOR-Net (Rastegari et al., ECCV 2016, section 3.1) for all weights, TWN (Li and Liu, arXiv
    1605.04711, 2016, section 2) for those that are kept.
    """
    mean = float(np.abs(weights).mean()) if weights.size else 0.0
    return _two(coding, weights, np.array([-mean, mean]), max_frac)


def two_scales(coding: Coding, weights: Reals, max_frac: int) -> Codes:
    """-a and b: each the mean of its sign's weights (values of TTQ, Zhu et al., ICLR 2017)."""
    parts = (weights[weights < 0], weights[weights > 0])
    means = [float(part.mean()) if part.size else 0.0 for part in parts]
    return _two(coding, weights, np.array(means), max_frac)


def _two(coding: Coding, weights: Reals, values: Reals, max_frac: int) -> Codes:
    """Code 0 for negative weights, 1 for positive ones."""
    frac = largest_frac(values, width=coding.weight_width, max_frac=max_frac)
    book = np.rint(values * 2.0**frac).astype(np.int64)
    return (weights > 0).astype(np.int64), book, frac


def above_threshold(matrix: Reals) -> Reals:
    """The weights whose magnitude exceeds 0.7 of the mean of all (TWN, Li and Liu, 2016)."""
    magnitude = np.abs(matrix)
    return np.where(magnitude > 0.7 * magnitude.mean(), matrix, 0.0)


def best_for_one_scale(matrix: Reals) -> Reals:
    """The weights that are kept where -a, 0 and a have the least squared error.

    These are the k largest with the greatest (sum |w|)^2 / k (TWN, Li and Liu, 2016, equation 6,
    of which 0.7 of the mean is an estimate).
    """
    magnitude = np.abs(matrix)
    largest = np.sort(magnitude[magnitude > 0])[::-1]
    if not largest.size:
        return matrix.copy()
    gain = np.cumsum(largest) ** 2 / np.arange(1, len(largest) + 1)
    return np.where(magnitude >= largest[gain.argmax()], matrix, 0.0)


def best_for_two_scales(matrix: Reals) -> Reals:
    """The same for -a, 0 and b: each sign for itself."""
    each = [best_for_one_scale(np.where(sign * matrix > 0, matrix, 0.0)) for sign in (-1, 1)]
    return each[0] + each[1]
