"""Shares a budget among layers: most bits to where they save the outputs most.

A layer's points (bits, error) are replaced by their lower convex hull; what is best for a sum of
convex functions takes the steepest pieces first (Shoham and Gersho, Efficient Bit Allocation for an
Arbitrary Set of Quantizers, IEEE Trans. ASSP 1988; Everett's Lagrange multipliers). Errors of
layers are taken to add up.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from elsie.compress.model.layer import Reals
from elsie.compress.search.sensitivity import Curve


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What an entry is made of."""

    code: int
    """Bits of the code."""
    run: int
    """Bits of the zero run."""
    pes: int
    """Among which a column's rows are divided."""

    def bits(self, curve: Curve, density: float) -> float:
        """Of a layer's entries with padding, if its non-zeros lie anywhere."""
        longest = (1 << self.run) - 1
        rows = -(-curve.outputs // self.pes)
        hops = np.arange(1, max(1, rows // longest) + 1) * longest
        padding = np.sum((1 - density) ** hops * np.maximum(0.0, 1 - hops / rows))
        return float(curve.size * density * (1 + padding) * (self.code + self.run))


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a budget gives."""

    densities: dict[str, float]
    """Of each layer."""
    bits: float
    """Of all entries."""
    error: float
    """Sum of the layers' errors."""


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """An edge of a layer's hull."""

    layer: int
    first: float
    last: float
    bits: float
    gain: float


class Path:
    """The best densities for every number of bits, for one kind of entry."""

    def __init__(self, curves: Sequence[Curve], entry: Entry, frozen: Collection[str] = ()) -> None:
        """`curves` of all layers; of `frozen` ones nothing is pruned."""
        curves = [_frozen(curve) if curve.name in frozen else curve for curve in curves]
        self._names = [curve.name for curve in curves]
        self._least = [float(curve.densities[-1]) for curve in curves]
        sizes = [np.array([entry.bits(c, float(d)) for d in c.densities[::-1]]) for c in curves]
        self._bits = sum(float(each[0]) for each in sizes)
        self._error = sum(float(curve.errors[-1]) for curve in curves)
        pieces: list[_Piece] = []
        for layer, (curve, bits) in enumerate(zip(curves, sizes, strict=True)):
            pieces += _hull(layer, curve.densities[::-1], bits, curve.errors[::-1])
        self._pieces = sorted(pieces, key=lambda piece: -piece.gain / piece.bits)

    @property
    def least(self) -> float:
        """Bits of the smallest."""
        return self._bits

    @property
    def most(self) -> float:
        """Bits of the largest."""
        return self._bits + sum(piece.bits for piece in self._pieces)

    def at(self, bits: float) -> Share:
        """With at most so many, or the least, or all that there are."""
        densities, error, left = list(self._least), self._error, bits - self._bits
        used = self._bits
        for piece in self._pieces:
            part = min(1.0, max(0.0, left) / piece.bits)
            if part:
                densities[piece.layer] = piece.first + part * (piece.last - piece.first)
            error -= part * piece.gain
            used += part * piece.bits
            left -= piece.bits
        named = dict(zip(self._names, densities, strict=True))
        return Share(densities=named, bits=used, error=max(0.0, error))


def _frozen(curve: Curve) -> Curve:
    """With nothing but all weights."""
    return replace(curve, densities=curve.densities[:1], errors=curve.errors[:1])


def _hull(layer: int, densities: Reals, bits: Reals, errors: Reals) -> list[_Piece]:
    """Edges of the lower convex hull of points with rising bits and falling errors."""
    kept = [0]
    for new in range(1, len(bits)):
        while len(kept) > 1 and _slope(bits, errors, kept[-2], kept[-1]) >= _slope(
            bits, errors, kept[-1], new
        ):
            kept.pop()
        kept.append(new)
    return [
        _Piece(
            layer=layer,
            first=float(densities[a]),
            last=float(densities[b]),
            bits=float(bits[b] - bits[a]),
            gain=float(errors[a] - errors[b]),
        )
        for a, b in pairwise(kept)
    ]


def _slope(bits: Reals, errors: Reals, a: int, b: int) -> float:
    return float((errors[b] - errors[a]) / (bits[b] - bits[a]))
