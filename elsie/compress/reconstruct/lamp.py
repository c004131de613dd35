"""Layers share one budget of weights, by LAMP scores.

A weight's score is its square over the sum of squares of its layer's weights that are no smaller
(Lee et al., Layer-adaptive sparsity for the Magnitude-based Pruning, ICLR 2021), so matrices share
one budget by how much they would suffer.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals


def scores(weights: Reals) -> Reals:
    """Of each weight, same shape; in (0, 1], 0 for weights that are 0."""
    flat = weights.reshape(-1) ** 2
    order = np.argsort(-flat, kind="stable")
    total = np.cumsum(flat[order])
    found = np.empty_like(flat)
    found[order] = np.divide(flat[order], total, out=np.zeros_like(total), where=total > 0)
    return found.reshape(weights.shape)


def masks(matrices: Sequence[Reals], *, count: int) -> list[NDArray[np.bool_]]:
    """Which weights stay: the `count` best of all matrices together, at least one of each."""
    each = [scores(matrix) for matrix in matrices]
    every = np.concatenate([score.reshape(-1) for score in each])
    best = np.zeros(len(every), dtype=bool)
    best[np.argsort(-every, kind="stable")[:count]] = True
    parts = np.split(best & (every > 0), np.cumsum([score.size for score in each])[:-1])
    return [part.reshape(score.shape) for part, score in zip(parts, each, strict=True)]
