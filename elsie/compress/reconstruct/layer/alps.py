"""Which weights to keep, by what the outputs lose.

ALPS (Meng et al., ALPS: Improved Optimization for Highly Sparse One-Shot Pruning for Large Language
Models, arXiv 2406.07831, 2024). Alternating directions: weights of least loss, and their largest on
the mask, are drawn to each other ever more strongly, until the mask stands. A group keeps as many
weights as it is told to: of a matrix, a gate, or a PE's share, so balanced masks stay balanced.
"""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.reconstruct.layer.problem import Problem

FIRST = 0.1
"""Penalty to start with."""
STEPS = 300
"""At most."""
GROWTH = ((0.1, 1.3), (0.005, 1.2), (0.0, 1.1))
"""Factor of the penalty, every third step, for a share of the mask that changed and more."""

Groups = NDArray[np.int64]
"""Label of each weight, shape (rows, columns); weights of group 0 are never kept."""


def alps(problem: Problem, mask: NDArray[np.bool_], groups: Groups) -> NDArray[np.bool_]:
    """A mask (rows, columns) of less loss, with as many weights of each group as `mask` has."""
    counts = np.bincount(groups[mask], minlength=int(groups.max(initial=0)) + 1)
    if np.array_equal(mask, groups > 0):
        return mask  # nothing to choose
    choose = _Chooser(groups, counts)
    scale = np.sqrt(np.diag(problem.hessian))
    scaled = problem.scaled(scale)
    values, vectors = np.linalg.eigh(scaled.hessian)
    right = scaled.target @ scaled.hessian
    kept, penalty = mask, FIRST
    sparse, pull = scaled.target, np.zeros_like(scaled.target)
    for step in range(1, STEPS + 1):
        free = (right - pull + penalty * sparse) @ vectors / (values + penalty) @ vectors.T
        wish = free + pull / penalty
        now = choose(np.abs(wish[:, :-1]))
        sparse = wish.copy()
        sparse[:, :-1] *= now
        pull += penalty * (free - sparse)
        if step % 3 == 0:
            changed = np.count_nonzero(now != kept) / max(1, int(counts.sum()))
            if not changed:
                break
            penalty *= next(factor for share, factor in GROWTH if changed >= share)
            kept = now
    return kept


class _Chooser:
    """Takes the largest of every group."""

    def __init__(self, groups: Groups, counts: NDArray[np.int64]) -> None:
        self._shape = groups.shape
        flat = groups.reshape(-1)
        order = np.argsort(flat, kind="stable")
        bounds = np.searchsorted(flat[order], np.arange(len(counts) + 1))
        self._members = [
            (order[bounds[label] : bounds[label + 1]], int(counts[label]))
            for label in range(1, len(counts))
            if counts[label]
        ]

    def __call__(self, scores: Reals) -> NDArray[np.bool_]:
        """Mask (rows, columns) of the largest scores; of equal ones the first stay."""
        flat, kept = scores.reshape(-1), np.zeros(scores.size, dtype=bool)
        for members, count in self._members:
            mine = flat[members]
            least = np.partition(mine, -count)[-count]  # faster than to sort all
            larger = mine > least
            equal = np.flatnonzero(mine == least)[: count - np.count_nonzero(larger)]
            kept[members[larger]] = kept[members[equal]] = True
        return kept.reshape(self._shape)
