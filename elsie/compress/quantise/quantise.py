"""Float weights to weight codes, for each MAC kind (what a code means: golden.format.alphabets)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.quantise.kmeans import kmeans, nearest
from golden.config import EngineConfig, MacKind
from golden.format.alphabets import decode

DROPPED = -1
"""Instead of a code, for a weight that is nearer to 0."""

MAX_FRAC = 60
"""Largest weight_frac: weights below 2**-60 are negligible, and int64 holds the rest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """A matrix in weight codes; an integer weight w stands for w x 2**-weight_frac."""

    stored: NDArray[np.bool_]
    """Which weights have an entry, shape (n_out, n_in). Weights that became 0 have none."""
    codes: NDArray[np.int64]
    """Weight codes, the one nearest to 0 where nothing is stored, shape (n_out, n_in)."""
    codebook: NDArray[np.int64]
    """Shared integer weights, shape (2**code_width,); empty unless the kind is codebook."""
    weight_frac: int
    """Binary places of the integer weights."""
    values: NDArray[np.float64]
    """What the codes stand for, 0 where nothing is stored, shape (n_out, n_in)."""

    def columns(self, count: int | None = None) -> dict[str, Any]:
        """The first `count` columns, or all, as fields of golden.format.network.Layer."""
        stored = self.stored[:, :count]
        column, row = np.nonzero(stored.T)  # by column, rows ascending
        return {
            "indptr": np.concatenate(([0], np.cumsum(stored.sum(axis=0)))),
            "rows": row,
            "codes": self.codes[row, column],
            "codebook": self.codebook,
            "weight_frac": self.weight_frac,
        }


def quantise(
    config: EngineConfig, weight: NDArray[np.float64], *, max_frac: int = MAX_FRAC
) -> Weights:
    """Quantise a finite matrix (n_out, n_in) for `config.mac`; zeros stay zeros.

    `max_frac` bounds weight_frac from above, for layers whose bias would not fit otherwise.

    codebook: 2**code_width centroids by optimal k-means on the non-zero weights (Deep Compression,
    section 3), rounded to weight_width bits at the largest weight_frac that fits.
    fixed: code_width bits, the power-of-two scale of least squared error, saturating.
    log: the nearest of +-2**e x 2**-weight_frac, weight_frac of least squared error. Nearest is
    meant in the value domain (1.5 is the border between 1 and 2), as least squared error
    requires; LogNet (section 3) rounds the logarithm (border at sqrt 2) instead. A weight
    closer to 0 than to the smallest magnitude is dropped.
    log-sqrt2: the same, with magnitudes 32 x 2**e and 45 x 2**e.
    ternary: +-2**-weight_frac, weight_frac of least squared error. Every non-zero is kept, unless
    max_frac makes the scale so large that 0 is nearer: which are non-zero is chosen before
    (Quantiser.keep).
    """
    present = weight[weight != 0]
    codes = np.zeros(weight.shape, dtype=np.int64)
    codes[weight != 0], codebook, frac = QUANTISERS[config.mac].codes(config, present, max_frac)
    integers = np.where(weight != 0, decode(config, codes, codebook), 0)
    stored = (integers != 0) & (codes != DROPPED)
    integers = np.where(stored, integers, 0)
    # Peepholes are kept even where they are 0, and code 0 is a codebook's most negative weight.
    nearest_to_0 = np.abs(decode(config, np.arange(1 << config.code_width), codebook)).argmin()
    return Weights(
        stored=stored,
        codes=np.where(stored, codes, nearest_to_0),
        codebook=codebook,
        weight_frac=frac,
        values=integers * 2.0**-frac,
    )


_Codes = tuple[NDArray[np.int64], NDArray[np.int64], int]
"""Codes of the non-zero weights, DROPPED where 0 is nearer; codebook; weight_frac."""


def largest_frac(values: NDArray[np.float64], *, width: int, max_frac: int = MAX_FRAC) -> int:
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


def _codebook(config: EngineConfig, weights: NDArray[np.float64], max_frac: int) -> _Codes:
    codebook = np.zeros(1 << config.code_width, dtype=np.int64)
    if not weights.size:
        return np.zeros(0, np.int64), codebook, min(config.weight_width - 1, max_frac)
    centroids = kmeans(weights, 1 << config.code_width)
    frac = largest_frac(centroids, width=config.weight_width, max_frac=max_frac)
    shared = np.unique(np.rint(centroids * 2.0**frac))
    codebook[: len(shared)] = shared.astype(np.int64)
    return nearest(weights * 2.0**frac, shared), codebook, frac


def _fixed(config: EngineConfig, weights: NDArray[np.float64], max_frac: int) -> _Codes:
    width = config.code_width
    limit = 1 << (width - 1)

    def integers(frac: int) -> NDArray[np.float64]:
        return np.clip(np.rint(weights * 2.0**frac), -limit, limit - 1)

    # Below the largest frac without saturation the grid only gets coarser; far above it every
    # weight saturates.
    low = largest_frac(weights, width=width, max_frac=max_frac)
    fracs = range(low, min(low + width, max_frac) + 1)
    frac = min(fracs, key=lambda f: float(np.sum((integers(f) * 2.0**-f - weights) ** 2)))
    codes = integers(frac).astype(np.int64) & ((1 << width) - 1)
    return codes, np.zeros(0, np.int64), frac


def _powers(config: EngineConfig, weights: NDArray[np.float64], max_frac: int) -> _Codes:
    """A sign, and below it the number of a magnitude; these ascend."""
    sign = 1 << (config.code_width - 1)
    levels = decode(config, np.arange(sign)).astype(np.float64)
    if not weights.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), min(sign - 1, max_frac)
    magnitude = np.abs(weights)
    borders = (levels[1:] + levels[:-1]) / 2

    def numbers(frac: int) -> NDArray[np.int64]:
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


def _ternary(config: EngineConfig, weights: NDArray[np.float64], max_frac: int) -> _Codes:
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


def _above_threshold(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights whose magnitude exceeds 0.7 of the mean of all (TWN, Li and Liu, 2016)."""
    magnitude = np.abs(matrix)
    return np.where(magnitude > 0.7 * magnitude.mean(), matrix, 0.0)


@dataclass(frozen=True, kw_only=True)
class Quantiser:
    """What the compiler does for one kind of weights."""

    codes: Callable[[EngineConfig, NDArray[np.float64], int], _Codes]
    """Quantises the non-zero weights, shape (n,); the last argument is max_frac."""
    keep: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.copy
    """Which weights of a matrix stay, the others 0, where no density is asked for."""


QUANTISERS: Mapping[MacKind, Quantiser] = {
    MacKind.CODEBOOK: Quantiser(codes=_codebook),
    MacKind.FIXED: Quantiser(codes=_fixed),
    MacKind.LOG: Quantiser(codes=_powers),
    MacKind.LOG_SQRT2: Quantiser(codes=_powers),
    MacKind.TERNARY: Quantiser(codes=_ternary, keep=_above_threshold),
}
"""MAC kind -> its quantiser."""
