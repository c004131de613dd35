"""The compressed format: CSC with zero runs, one matrix slice for each PE (EIE, section 3.1).

A PE stores, column by column, its non-zeros in row order; an entry holds the weight code and the
zero run: how many of the PE's rows to skip since the last entry (or since row 0). Runs 0..2**r - 2
fit an r-bit field; all ones marks a padding entry, which skips 2**r - 1 rows and carries no weight.
Unlike EIE's padding (weight code 0), this leaves all 2**code_width codes to real weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Compressed:
    """One matrix in compressed form; entries ordered by PE, then column, then row."""

    code: NDArray[np.int64]
    """Weight code of each entry, 0 for padding, shape (entries,)."""
    run: NDArray[np.int64]
    """Zero run of each entry, shape (entries,)."""
    count: NDArray[np.int64]
    """Entries of each column in each PE, shape (pes, columns)."""

    @property
    def per_pe(self) -> NDArray[np.int64]:
        """Entries of each PE, shape (pes,)."""
        return self.count.sum(axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Nonzeros:
    """A matrix as coordinates; what a compressed matrix decodes to. Arrays of shape (nnz,)."""

    pe: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    code: NDArray[np.int64]


def padding_run(config: EngineConfig) -> int:
    """The run value that marks a padding entry, and the rows that it skips."""
    return (1 << config.run_width) - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """The rows between a matrix's non-zeros, from which every run width's entries follow."""

    order: NDArray[np.int64]
    """The non-zeros by PE, column and row, shape (nnz,)."""
    gap: NDArray[np.int64]
    """Rows of the PE skipped before each of them, shape (nnz,)."""
    segment: NDArray[np.int64]
    """PE x columns + column of each of them, shape (nnz,)."""
    shape: tuple[int, int]
    """PEs and columns."""

    def count(self, run_width: int) -> NDArray[np.int64]:
        """Entries of each column in each PE, padding counted, shape (pes, columns)."""
        entries = np.zeros(self.shape, dtype=np.int64)
        np.add.at(entries.reshape(-1), self.segment, self.gap // ((1 << run_width) - 1) + 1)
        return entries


def gaps(config: EngineConfig, nonzeros: Nonzeros, *, columns: int) -> Gaps:
    """Sort; local rows must be unique within a PE's column. `columns` is the matrix's width."""
    order = np.lexsort((nonzeros.row, nonzeros.column, nonzeros.pe))
    row = nonzeros.row[order]
    segment = nonzeros.pe[order] * columns + nonzeros.column[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = segment[1:] != segment[:-1]
    before = np.where(first, -1, np.concatenate(([-1], row[:-1])))[: len(row)]
    return Gaps(order=order, gap=row - before - 1, segment=segment, shape=(config.pes, columns))


def encode(config: EngineConfig, nonzeros: Nonzeros, *, columns: int) -> Compressed:
    """Compress; local rows must be unique within a PE's column. `columns` is the matrix's width."""
    found, skip = gaps(config, nonzeros, columns=columns), padding_run(config)
    padding, run = found.gap // skip, found.gap % skip
    last = np.cumsum(padding + 1) - 1
    total = int(last[-1]) + 1 if len(last) else 0
    code = np.zeros(total, dtype=np.int64)
    code[last] = nonzeros.code[found.order]
    every = np.full(total, skip, dtype=np.int64)
    every[last] = run
    return Compressed(code=code, run=every, count=found.count(config.run_width))


def decode(config: EngineConfig, compressed: Compressed) -> tuple[Nonzeros, NDArray[np.bool_]]:
    """All entries with their coordinates, and which of them carry a weight (shape (entries,)).

    A padding entry's row is the one it skips to; drop it with the mask to get the matrix.
    """
    pes, columns = compressed.count.shape
    flat = compressed.count.reshape(-1)
    segment = np.repeat(np.arange(pes * columns), flat)
    real = compressed.run != padding_run(config)
    advance = compressed.run + real
    ends = np.cumsum(advance)
    begins = np.cumsum(flat) - flat
    base = np.concatenate(([0], ends))[begins]
    row = ends - np.repeat(base, flat) - 1
    nonzeros = Nonzeros(
        pe=segment // columns, row=row, column=segment % columns, code=compressed.code
    )
    return nonzeros, real
