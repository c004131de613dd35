"""Local search on a row assignment: swaps and moves rows between PEs until that no longer pays.

It minimises the expected sum of squares of the PEs' work, at the end of an inference and averaged
over POINTS stages of the broadcasts, because uneven work there fills and empties queues. With
column k active with probability a[k], independently, a PE of rows P has

    E[work**2] = (sum of a[k] c[k])**2 + sum of a[k] (1 - a[k]) c[k]**2,  c[k] = entries of P in k

so that PEs get equal work on average (first term), and rows that share few columns, which keeps
their work from varying together with the input (second term). Both are sums of a symmetric form
over the pairs of P's rows: a matrix (rows, rows), which is all that the search uses. Its
elements are integers, so every sum is exact and the result is the same on every machine.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

POINTS = 32
"""Stages of the broadcasts at which work is compared."""
LARGEST = 12_000
"""The most rows for a search; its matrix has the square of that, at 4 bytes each."""
_LEAST = 0.02
"""A sweep must gain this share of all that the sweeps after the first have gained."""
_SWEEPS = 40
_UNIT = 256
"""Unit of the weights of the stages."""
_CHUNK = 512


def pair_costs(
    stored: sparse.csr_matrix, activity: NDArray[np.float64], *, groups: int, largest: int
) -> NDArray[np.float32]:
    """The cost of two rows on one PE, integers of shape (rows, rows).

    `stored` (rows, columns) has ones where there is an entry; `activity` (columns,) is how often
    each column is active; `groups` gives the order of the broadcasts; `largest` is the most rows
    that a PE may get.
    """
    rows, columns = len(stored.indptr) - 1, len(activity)
    order = np.argsort(np.arange(columns) % groups, kind="stable")
    # The sums of a whole PE must stay below 2**53.
    room = 2.0 ** (44 - largest.bit_length())
    longest = max(1, int(np.diff(stored.indptr).max(initial=1)))
    unit = 256
    while unit > 1 and (unit * longest) ** 2 > room:
        unit //= 2
    point = np.arange(columns) * POINTS // columns
    steps = np.zeros((columns, POINTS))
    steps[order, point] = np.rint(unit * activity[order])
    work = np.cumsum(stored @ steps, axis=1)
    weight = np.full(POINTS, _UNIT // POINTS, dtype=np.float64)
    weight[-1] += _UNIT
    costs = np.empty((rows, rows), dtype=np.float32)
    shared = np.rint(_UNIT * unit**2 * activity * (1 - activity))
    scaled = sparse.csr_matrix(
        (stored.data * shared[stored.indices], stored.indices, stored.indptr), shape=stored.shape
    )
    transposed = sparse.csr_matrix(stored.T)
    for first in range(0, rows, _CHUNK):
        part = slice(first, min(first + _CHUNK, rows))
        block = (work[part] * weight) @ work.T
        if shared.any():
            block += _dense(scaled[part] @ transposed)
        costs[part] = block
    return costs


def _dense(product: Any) -> NDArray[np.float64]:
    """A sparse product as an array; its type depends on scipy's release."""
    return product.toarray()


def improve(costs: NDArray[np.float32], pe: NDArray[np.int64], pes: int) -> NDArray[np.int64]:
    """A better PE for every row, starting from `pe`; at most ceil(rows / pes) rows on a PE.

    In a round every PE has a partner, and each pair makes its best swap or move, if any pays. In a
    sweep every PE meets every other one.
    """
    search = _Search(costs, pe, pes)
    total = 0.0
    for sweep in range(_SWEEPS):
        gain = search.sweep()
        if sweep:
            total += gain
        if gain <= _LEAST * total:
            break
    return search.result()


class _Search:
    """Rows of every PE, and what each row would cost on each PE."""

    def __init__(self, costs: NDArray[np.float32], pe: NDArray[np.int64], pes: int) -> None:
        self._costs, self._pes = costs, pes
        self._own = costs.diagonal().astype(np.float64)
        self._on = np.stack([costs[pe == q].sum(axis=0, dtype=np.float64) for q in range(pes)])
        # Places of each PE; -1 where it has room.
        self._places = np.full((pes, -(-len(pe) // pes)), -1, dtype=np.int64)
        for q in range(pes):
            rows = np.flatnonzero(pe == q)
            self._places[q, : len(rows)] = rows

    def sweep(self) -> float:
        """Every PE with every other one once (the tournament's circle); the gain."""
        ring = np.arange(self._pes + self._pes % 2)
        gain = 0.0
        for _ in range(len(ring) - 1):
            left, right = ring[: len(ring) // 2], ring[::-1][: len(ring) // 2]
            both = (left < self._pes) & (right < self._pes)
            gain += self._round(left[both], right[both])
            ring = np.concatenate((ring[:1], ring[-1:], ring[1:-1]))
        return gain

    def _round(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> float:
        """The best swap between each two PEs; returns what they gain."""
        here, there = self._places[left], self._places[right]
        gain = 2.0 * self._costs[here[:, :, None], there[:, None, :]]
        gain[(here < 0)[:, :, None] | (there < 0)[:, None, :]] = 0
        gain += self._leaving(left, right, here)[:, :, None]
        gain += self._leaving(right, left, there)[:, None, :]
        flat = gain.reshape(len(left), -1)
        best = flat.argmax(axis=1)
        value = flat[np.arange(len(left)), best]
        width = self._places.shape[1]
        for n in np.flatnonzero(value > 0):
            i, j = best[n] // width, best[n] % width
            self._swap(left[n], i, right[n], j)
        return float(value[value > 0].sum())

    def _leaving(
        self, source: NDArray[np.int64], target: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Half of what moving each row from its PE to the other would gain, on its own."""
        gain = self._on[source[:, None], rows] - self._on[target[:, None], rows] - self._own[rows]
        return np.where(rows < 0, 0.0, gain)

    def _swap(self, p: int, i: int, q: int, j: int) -> None:
        row, other = self._places[p, i], self._places[q, j]
        change = np.zeros(len(self._own))
        if other >= 0:
            change += self._costs[other]
        if row >= 0:
            change -= self._costs[row]
        self._on[p] += change
        self._on[q] -= change
        self._places[p, i], self._places[q, j] = other, row

    def result(self) -> NDArray[np.int64]:
        """PE of every row."""
        pe = np.empty(len(self._own), dtype=np.int64)
        for q, rows in enumerate(self._places):
            pe[rows[rows >= 0]] = q
        return pe
