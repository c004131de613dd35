"""Weights on a grid by coordinate descent, for any alphabet.

QuantEase (Behdin et al., QuantEase: Optimization-based Quantization for Language Models, arXiv
2309.01885, 2023). Each weight in turn takes the value of the grid that is best while the others
stand, in all rows at once. No step makes the loss larger.
"""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.kmeans import nearest
from elsie.compress.reconstruct.layer.problem import Problem

BLOCK = 64
"""Columns after which the gradient of all others is brought up to date, by one product."""
SWEEPS = 5
"""At most; the later ones change little."""


def descend(
    problem: Problem, weights: Reals, mask: NDArray[np.bool_], grid: Reals, *, sweeps: int = SWEEPS
) -> Reals:
    """Weights (rows, columns + 1) on `mask` (rows, columns), all of them values of `grid`.

    `grid` is ascending; the last column, the bias, takes any value.
    """
    found = weights.copy()
    hessian, columns = problem.hessian, mask.shape[1]
    for _ in range(sweeps):
        before = found[:, :-1].copy()
        gradient = (found - problem.target) @ hessian
        for start in range(0, columns + 1, BLOCK):
            block = slice(start, min(start + BLOCK, columns + 1))
            moved = np.zeros((len(found), block.stop - start))
            for column in range(start, block.stop):
                near = column - start
                here = found[:, column]
                best = here - gradient[:, column] / hessian[column, column]
                if column < columns:
                    best = np.where(mask[:, column], grid[nearest(best, grid)], 0.0)
                moved[:, near] = best - here
                found[:, column] = best
                gradient[:, block] += np.outer(moved[:, near], hessian[column, block])
            gradient[:, block.stop :] += moved @ hessian[block, block.stop :]
        if np.array_equal(before, found[:, :-1]):
            break
    return found
