"""EIE's original scheme (Han et al., ISCA 2016), cycle by cycle, to compare with on equal data.

Rows: row j on PE j mod pes. Entries: a 4-bit zero run; a gap of more than 15 zeros takes padding
entries, each with a run of 15 and a weight of 0, so each skips 16 rows (section 3.1). Queues hold
activations; a PE reads a column's pointers after the queue, so that a column without entries costs
it a cycle too; a broadcast waits while any PE's queue is full (section 4). There is at most one
broadcast a cycle. Nothing is charged for the pipeline, for finding the non-zeros, or for the drain.

A slot is free again in the cycle after its activation has been taken out; with this the model is
within a point of the authors' own simulator.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.timing.losses import Losses

RUN_WIDTH = 4
"""Bits of EIE's zero run."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entries:
    """Entries of each column in each PE, shape (pes, columns)."""

    stored: NDArray[np.int64]
    """With padding."""
    real: NDArray[np.int64]
    """Without."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """When K activations were broadcast and processed, in cycles from 0."""

    broadcast: NDArray[np.int64]
    """Cycle of each broadcast, shape (K,)."""
    start: NDArray[np.int64]
    """First cycle of each activation's work, shape (K, pes)."""
    cycles: int
    """Cycles until the last PE has done all its work."""
    losses: Losses
    """Where the cycles went."""


def encode(
    indptr: NDArray[np.int64], rows: NDArray[np.int64], *, pes: int, run_width: int = RUN_WIDTH
) -> Entries:
    """Entries of a CSC matrix: column starts (columns + 1,), rows ascending in a column (nnz,)."""
    columns = len(indptr) - 1
    column = np.repeat(np.arange(columns), np.diff(indptr))
    pe, local = rows % pes, rows // pes
    order = np.lexsort((local, pe, column))
    segment, local = (column * pes + pe)[order], local[order]
    before = np.full(len(local), -1, dtype=np.int64)
    same = segment[1:] == segment[:-1]
    before[1:][same] = local[:-1][same]
    padding = (local - before - 1) >> run_width
    shape = (columns, pes)
    real = np.bincount(segment, minlength=columns * pes)
    padded = np.zeros(columns * pes, dtype=np.int64)
    np.add.at(padded, segment, padding)
    return Entries(stored=(real + padded).reshape(shape).T, real=real.reshape(shape).T)


def schedule(stored: NDArray[np.int64], real: NDArray[np.int64], *, queue: int) -> Schedule:
    """Run the activations whose columns have these entries, both (pes, K), in this order.

    `queue` is how many activations a PE's queue holds, at least 1.
    """
    pes, total = stored.shape
    work = np.ascontiguousarray(np.maximum(stored, 1).T)
    start = np.zeros((total, pes), dtype=np.int64)
    broadcast = np.zeros(total, dtype=np.int64)
    free, cycle = np.ones(pes, dtype=np.int64), -1
    waited = 0
    for k in range(total):
        cycle += 1
        if k >= queue:
            cycle = max(cycle, int(start[k - queue].max()) + 1)
        broadcast[k] = cycle
        start[k] = np.maximum(cycle + 1, free)
        waited += int((start[k] - free).sum())
        free = start[k] + work[k]
    cycles = int(free.max()) if total else 0
    losses = Losses(
        useful=int(real.sum()),
        padding=int((stored - real).sum()),
        start_up=pes if total else 0,
        # Every broadcast gives every PE something to do, so a PE is idle only when none came.
        empty_queue=0,
        full_queue=waited,
        empty_column=int((stored == 0).sum()),
        imbalance=int((cycles - free).sum()) if total else 0,
        drain=0,
    )
    assert losses.total == pes * cycles, "the losses do not add up"
    return Schedule(broadcast=broadcast, start=start, cycles=cycles, losses=losses)
