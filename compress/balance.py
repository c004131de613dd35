"""Row assignment: which PE owns which row, and at which local row."""

import heapq

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.network import locate_inverse

STRATEGIES = ("lpt", "row_mod_n")


def assign_rows(
    config: EngineConfig,
    stored: NDArray[np.bool_],
    *,
    strategy: str = "lpt",
    activity: NDArray[np.float64] | None = None,
    held: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Position of every row (golden.network.Layer.position), shape (n_out,).

    `stored` (n_out, n_in) says which weights have an entry; `activity` (n_in,) is how often each
    column's activation is not 0, 1 when None; `held` (pes,) is how many entries each PE holds of
    the layers before, 0 when None. Every PE gets at most ceil(n_out / pes) rows, in the order of
    the matrix.

    lpt: longest processing time first (Graham, 1969): rows by falling work, each to the PE with
    the least work so far. A row's work is the sum of its columns' activity; rows and PEs of equal
    work are ordered by non-zeros, then by number. The PEs then swap their shares so that the
    fullest entry memory so far gets the fewest entries, which costs no time: all PEs are alike.
    row_mod_n: row j on PE j mod pes (EIE, section 3).

    Raises ElsieError for an unknown strategy.
    """
    rows = len(stored)
    if strategy == "row_mod_n":
        pe = np.arange(rows) % config.pes
    elif strategy == "lpt":
        nnz = stored.sum(axis=1)
        work = nnz.astype(np.float64) if activity is None else stored @ activity
        pe = _longest_first(work, nnz, config.pes)
        if held is not None:
            share = np.argsort(-np.bincount(pe, nnz, config.pes), kind="stable")
            swap = np.empty(config.pes, dtype=np.int64)
            swap[share] = np.argsort(held, kind="stable")
            pe = swap[pe]
    else:
        raise ElsieError(f"no row assignment {strategy!r}; there are {', '.join(STRATEGIES)}")
    order = np.argsort(pe, kind="stable")
    before = np.cumsum(np.bincount(pe, minlength=config.pes)) - np.bincount(
        pe, minlength=config.pes
    )
    local = np.empty(rows, dtype=np.int64)
    local[order] = np.arange(rows) - before[pe[order]]
    return locate_inverse(config, pe, local)


def _longest_first(
    work: NDArray[np.float64], nnz: NDArray[np.int64], pes: int
) -> NDArray[np.int64]:
    """PE of every row."""
    capacity = -(-len(work) // pes)
    pe = np.empty(len(work), dtype=np.int64)
    free = np.full(pes, capacity)
    heap = [(0.0, 0, number) for number in range(pes)]
    for row in np.lexsort((np.arange(len(work)), -nnz, -work)):
        load, entries, number = heapq.heappop(heap)
        pe[row] = number
        free[number] -= 1
        if free[number]:
            heapq.heappush(heap, (load + float(work[row]), entries + int(nnz[row]), number))
    return pe
