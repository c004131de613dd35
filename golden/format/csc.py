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


def encode(config: EngineConfig, nonzeros: Nonzeros, *, columns: int) -> Compressed:
    """Compress; local rows must be unique within a PE's column. `columns` is the matrix's width."""
    order = np.lexsort((nonzeros.row, nonzeros.column, nonzeros.pe))
    pe, row = nonzeros.pe[order], nonzeros.row[order]
    column, code = nonzeros.column[order], nonzeros.code[order]
    segment = pe * columns + column
    first = np.ones(len(pe), dtype=bool)
    first[1:] = segment[1:] != segment[:-1]
    before = np.where(first, -1, np.concatenate(([-1], row[:-1])))[: len(row)]
    gap = row - before - 1
    skip = padding_run(config)
    padding, run = gap // skip, gap % skip
    last = np.cumsum(padding + 1) - 1
    total = int(last[-1]) + 1 if len(last) else 0
    all_code = np.zeros(total, dtype=np.int64)
    all_run = np.full(total, skip, dtype=np.int64)
    all_code[last], all_run[last] = code, run
    count = np.zeros(config.pes * columns, dtype=np.int64)
    np.add.at(count, segment, padding + 1)
    return Compressed(code=all_code, run=all_run, count=count.reshape(config.pes, columns))


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
