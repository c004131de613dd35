"""Weights to a grid one by one, the others making up for each error.

Optimal Brain Quantiser (Frantar and Alistarh, Optimal Brain Compression, NeurIPS 2022, section 5)
in the fixed order of GPTQ (Frantar et al., ICLR 2023), on each row's own mask. The start of
coordinate descent: that alone ends in a worse minimum where the grid is coarse.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.kmeans import nearest
from elsie.compress.reconstruct.layer.least_squares import with_bias
from elsie.compress.reconstruct.layer.problem import Problem

LARGEST = 1e11
"""Multiplications up to which it is done; beyond, rounding has to do as a start."""
ROOM = 1 << 22
"""Numbers in the factors that are held at a time."""


def round_in_order(
    problem: Problem, weights: Reals, mask: NDArray[np.bool_], grids: Sequence[Reals]
) -> list[Reals]:
    """Weights (rows, columns + 1) on `mask` (rows, columns), all values of an ascending grid.

    One result for each grid. Columns with the largest diagonal of the Hessian first; the bias,
    which takes any value, last.
    """
    order = np.append(np.argsort(-np.diag(problem.hessian)[:-1], kind="stable"), mask.shape[1])
    patterns, pattern = np.unique(with_bias(mask)[:, order], axis=0, return_inverse=True)
    sizes = patterns.sum(axis=1)
    if np.sum(sizes.astype(np.float64) ** 3) > LARGEST:
        rounded = [np.where(mask, grid[nearest(weights[:, :-1], grid)], 0.0) for grid in grids]
        return [np.hstack((values, weights[:, -1:])) for values in rounded]
    width = int(sizes.max())
    # Rows with fewer weights begin with places that stand for nothing.
    places = np.full((len(patterns), width), -1)
    for nth, size in enumerate(sizes):
        places[nth, width - size :] = order[patterns[nth]]
    found = [np.zeros_like(weights) for _ in grids]
    step = len(weights) if len(patterns) == 1 else max(1, ROOM // width**2)
    by_pattern = np.argsort(pattern, kind="stable")
    for start in range(0, len(weights), step):
        rows = by_pattern[start : start + step]
        different, which = np.unique(pattern[rows], return_inverse=True)
        factors = _padded(problem, places[different])
        if len(different) > 1:
            factors = factors[which]
        for values, grid in zip(found, grids, strict=True):
            values[rows] = _round(weights[rows], grid, places[pattern[rows]], factors)
    return found


def _padded(problem: Problem, places: NDArray[np.int64]) -> Reals:
    """Factors of each row's part of the Hessian, the identity where a place stands for nothing."""
    void = places < 0
    part = problem.hessian[places[:, :, None], places[:, None, :]]
    part[void[:, :, None] | void[:, None, :]] = 0.0
    rows, nth = np.nonzero(void)
    part[rows, nth, nth] = 1.0
    return _factors(part)


def _factors(hessian: Reals) -> Reals:
    """U with U^T U = inverse of the Hessian, U upper triangular; (patterns, n, n)."""
    inverse = np.linalg.inv(hessian)
    lower = np.linalg.cholesky((inverse + np.swapaxes(inverse, -1, -2)) / 2)
    return np.asarray(np.swapaxes(lower, -1, -2), dtype=np.float64)


def _round(weights: Reals, grid: Reals, places: NDArray[np.int64], factors: Reals) -> Reals:
    """Rows of weights (rows, columns + 1), whose kept columns in order are `places` (rows, n)."""
    live = np.where(places < 0, 0.0, np.take_along_axis(weights, places, axis=1))
    for nth in range(places.shape[1] - 1):  # the last is the bias
        chosen = np.where(places[:, nth] < 0, 0.0, grid[nearest(live[:, nth], grid)])
        error = (live[:, nth] - chosen) / factors[:, nth, nth]
        live[:, nth + 1 :] -= error[:, None] * factors[:, nth, nth + 1 :]
        live[:, nth] = chosen
    found = np.zeros_like(weights)
    rows, nth = np.nonzero(places >= 0)
    found[rows, places[rows, nth]] = live[rows, nth]
    return found
