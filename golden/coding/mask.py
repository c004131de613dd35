"""Which weights of a matrix there are, as bits in contexts: how full row and column are so far."""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from golden.coding.range_coder import Decoder, Encoder, fresh
from golden.errors import ElsieError

STEPS, LEVELS = 2, 8
"""A row or column that is as full as all are on average has level STEPS; the last is LEVELS - 1."""

Ints = NDArray[np.int64]


def encode(to: Encoder, indptr: Ints, rows: Ints, *, height: int) -> None:
    """Write the places of a matrix's entries, CSC with `height` rows; their number is known."""
    width, total = len(indptr) - 1, len(rows)
    size = height * width
    if total in (0, size):
        return
    contexts, every = fresh(LEVELS * LEVELS), np.zeros(height, dtype=np.int64)
    per_one = STEPS * size
    for column, (begin, end) in enumerate(
        zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True)
    ):
        bits = np.zeros(height, dtype=np.int64)
        bits[rows[begin:end]] = 1
        levels = _row_levels(every, column, size, total)
        over, under = per_one, size
        for bit, level in zip(bits.tolist(), levels.tolist(), strict=True):
            to.bit(bit, contexts[level + min(over // under, LEVELS - 1)])
            under += total
            if bit:
                over += per_one
        every += bits


def decode(source: Decoder, *, height: int, width: int, total: int) -> tuple[Ints, Ints]:
    """Read what `encode` wrote: indptr (width + 1,) and rows (total,). Raises ElsieError."""
    size = height * width
    if total in (0, size):
        count = height if total else 0
        return np.arange(width + 1) * count, np.tile(np.arange(count), width)
    contexts, every = fresh(LEVELS * LEVELS), np.zeros(height, dtype=np.int64)
    per_one, bit_of = STEPS * size, source.bit
    counts, rows = [0], []
    for column in range(width):
        levels = _row_levels(every, column, size, total)
        over, under, found = per_one, size, []
        for row, level in enumerate(levels.tolist()):
            if bit_of(contexts[level + min(over // under, LEVELS - 1)]):
                over += per_one
                found.append(row)
            under += total
        every[found] += 1
        rows += found
        counts.append(len(found))
    if len(rows) != total:
        raise ElsieError(f"its matrix has {len(rows)} weights where {total} were announced")
    return np.array(list(accumulate(counts))), np.array(rows, dtype=np.int64)


def _row_levels(ones: Ints, column: int, size: int, total: int) -> Ints:
    """The first context of every row, given its entries in the columns before."""
    levels = STEPS * size * (ones + 1) // (column * total + size)
    return LEVELS * np.minimum(levels, LEVELS - 1)
