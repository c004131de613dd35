"""What is measured: a sparse matrix, an input, and what calibration knows about inputs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elsie.bench.eie.layers import PaperLayer

ACT_WIDTH = 16
"""Bits of an activation."""
CODES = 16
"""Shared weights, as in EIE."""
_CALIBRATION = 64
"""Samples from which calibration learns how often each column is active."""
_LARGEST = (1 << (ACT_WIDTH - 1)) - 1
_COLUMNS = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """One layer and one input."""

    name: str
    """For messages and tables."""
    n_in: int
    """Columns."""
    n_out: int
    """Rows."""
    indptr: NDArray[np.int64]
    """CSC column starts, shape (n_in + 1,)."""
    rows: NDArray[np.int64]
    """Row of each non-zero, ascending within a column, shape (nnz,)."""
    codes: NDArray[np.int64]
    """Which shared weight each non-zero is, shape (nnz,)."""
    codebook: NDArray[np.int64]
    """The shared weights, integers, shape (16,)."""
    x: NDArray[np.int64]
    """The input that is measured, integers, shape (n_in,)."""
    activity: NDArray[np.float64]
    """How often each column is active in the calibration samples, shape (n_in,)."""
    paper: PaperLayer | None = None
    """The figures of EIE's paper."""
    balanced: str | None = None
    """How it was pruned for its owners (elsie.compress.prune.balanced.BALANCES), if it was."""
    owner: NDArray[np.int64] | None = None
    """PE of each row, shape (n_out,), if it was pruned for them; else rows may go anywhere."""

    @property
    def columns(self) -> NDArray[np.int64]:
        """Column of each non-zero, shape (nnz,)."""
        return np.repeat(np.arange(self.n_in), np.diff(self.indptr))

    @property
    def macs(self) -> int:
        """Multiplications with a non-zero weight and a non-zero activation."""
        return int(np.diff(self.indptr)[self.x != 0].sum())

    def pattern(self) -> sparse.csr_matrix:
        """Where the non-zeros are, as ones of shape (n_out, n_in)."""
        ones = np.ones(len(self.rows))
        shape = (self.n_out, self.n_in)
        return sparse.csr_matrix(sparse.csc_matrix((ones, self.rows, self.indptr), shape=shape))


def published(layer: PaperLayer, *, seed: int = 0) -> Problem:
    """A layer of the paper with random non-zeros: every one independent, at the paper's densities.

    The generator's seed is `seed` and the layer's name. The calibration samples are drawn like
    the measured input, but are others.
    """
    random = np.random.default_rng([seed, *layer.name.encode()])
    indptr, rows = _pattern(random, layer)
    codes, codebook = random_weights(random, len(rows))
    x, activity = random_input(random, layer)
    return Problem(
        name=layer.name,
        n_in=layer.n_in,
        n_out=layer.n_out,
        indptr=indptr,
        rows=rows,
        codes=codes,
        codebook=codebook,
        x=x,
        activity=activity,
        paper=layer,
    )


def random_weights(
    random: np.random.Generator, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes for `count` weights, and a codebook; for when only the pattern is known."""
    codebook = random.integers(1, 1 << 15, CODES) * random.choice([-1, 1], CODES)
    return random.integers(0, CODES, count), codebook


def random_input(
    random: np.random.Generator, layer: PaperLayer
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The measured input, and what calibration learns from others that are drawn alike."""
    calibration = random.random((_CALIBRATION, layer.n_in)) < layer.activations
    active = random.random(layer.n_in) < layer.activations
    x = np.where(active, random.integers(1, _LARGEST + 1, layer.n_in), 0)
    return x, calibration.mean(axis=0)


def _pattern(
    random: np.random.Generator, layer: PaperLayer
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column starts and rows of the non-zeros; some columns at a time, to save memory."""
    counts, rows = [], []
    for first in range(0, layer.n_in, _COLUMNS):
        columns = min(_COLUMNS, layer.n_in - first)
        column, row = np.nonzero(random.random((columns, layer.n_out)) < layer.weights)
        counts.append(np.bincount(column, minlength=columns))
        rows.append(row)
    indptr = np.concatenate(([0], np.cumsum(np.concatenate(counts))))
    return indptr.astype(np.int64), np.concatenate(rows).astype(np.int64)
