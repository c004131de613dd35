"""Row assignment: which PE owns which row, and at which local row."""

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elsie.compress.place import local_search
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import place

STRATEGIES = ("search", "lpt", "row_mod_n")


def assign_rows(
    config: EngineConfig,
    stored: Any,
    *,
    strategy: str = "search",
    activity: NDArray[np.float64] | None = None,
    held: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Position of every row (golden.format.network.Layer.position), shape (n_out,).

    `stored` (n_out, n_in), a NumPy array or a scipy.sparse one, says which weights have an entry,
    or for cells how many of their gates have one; `activity` (n_in,) is how often each column's
    activation is not 0, 1 when None; `held` (pes,) is how many entries of earlier layers each PE
    holds, 0 when None. Every PE gets at most ceil(n_out / pes) rows, in the order of the matrix.

    lpt: longest processing time first (Graham, 1969): rows in order of falling work, each to the
    PE with the least work so far. A row's work is the sum of its columns' activity; rows and PEs of
    equal work are ordered by non-zeros, then by number. search: the same, then local search
    (elsie.compress.place.local_search), for up to LARGEST rows. row_mod_n: row j on PE j mod pes
    (EIE, section 3).

    With lpt and search the PEs then swap their shares so that the fullest entry memory so far gets
    the fewest entries. This costs nothing, because all PEs are alike.

    Raises ElsieError for an unknown strategy.
    """
    if strategy not in STRATEGIES:
        raise ElsieError(f"no row assignment {strategy!r}; there are {', '.join(STRATEGIES)}")
    matrix = sparse.csr_matrix(stored, dtype=np.float64)
    rows, columns = stored.shape
    if strategy == "row_mod_n":
        pe = np.arange(rows) % config.pes
    else:
        active = np.ones(columns) if activity is None else np.asarray(activity, np.float64)
        nnz = np.asarray(matrix.sum(axis=1)).reshape(-1).astype(np.int64)
        pe = _longest_first(matrix @ active, nnz, config.pes)
        if strategy == "search" and config.pes > 1 and rows <= local_search.LARGEST:
            costs = local_search.pair_costs(
                matrix, active, groups=config.groups, largest=-(-rows // config.pes)
            )
            pe = local_search.improve(costs, pe, config.pes)
        if held is not None:
            pe = _even_memories(pe, nnz, held)
    return place(config, pe)


def _even_memories(
    pe: NDArray[np.int64], nnz: NDArray[np.int64], held: NDArray[np.int64]
) -> NDArray[np.int64]:
    """PE of every row when the largest share goes to the emptiest memory, and so on."""
    share = np.argsort(-np.bincount(pe, nnz, len(held)), kind="stable")
    swap = np.empty(len(held), dtype=np.int64)
    swap[share] = np.argsort(held, kind="stable")
    return swap[pe]


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
