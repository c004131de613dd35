"""The best weights on a mask: exact least squares, row by row.

The update of Optimal Brain Surgeon (Hassibi and Stork, NIPS 1992) for many weights at once; as the
rows of a layer share the Hessian but not the mask, each row has a system of its own.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from elsie.compress.model.layer import Reals
from elsie.compress.reconstruct.layer.problem import Problem

LARGEST = 3e11
"""Multiplications up to which rows are solved exactly; a minute on one core."""
STEPS = 30
"""Of conjugate gradients, beyond that."""


def least_squares(problem: Problem, mask: NDArray[np.bool_]) -> Reals:
    """Weights (rows, columns + 1) of least loss that are 0 outside `mask` (rows, columns).

    The bias is always used. Exact unless that takes more than LARGEST multiplications.
    """
    support = with_bias(mask)
    full = np.asarray(support.all(axis=1))
    found = np.where(full[:, None], problem.target, 0.0)
    sizes = support[~full].sum(axis=1).astype(np.float64)
    if np.sum(sizes**3) / 3 > LARGEST:
        return _gradients(problem, support)
    right = problem.target @ problem.hessian
    for row in np.flatnonzero(~full):
        kept = np.flatnonzero(support[row])
        factor = linalg.cho_factor(problem.hessian[np.ix_(kept, kept)], check_finite=False)
        found[row, kept] = linalg.cho_solve(factor, right[row, kept], check_finite=False)
    return found


def with_bias(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and a column for the bias, which is always kept."""
    return np.hstack((mask, np.ones((len(mask), 1), dtype=bool)))


def _gradients(problem: Problem, support: NDArray[np.bool_]) -> Reals:
    """Conjugate gradients over the kept weights, all rows at once, scaled by the diagonal.

    Starts at the target without what is not kept.
    """
    diagonal = np.diag(problem.hessian)
    found = problem.target * support
    residual = (problem.target - found) @ problem.hessian * support
    direction = residual / diagonal
    power = np.sum(residual * direction, axis=1)
    for _ in range(STEPS):
        image = direction @ problem.hessian * support
        curve = np.sum(direction * image, axis=1)
        step = np.divide(power, curve, out=np.zeros_like(power), where=curve > 0)[:, None]
        found += step * direction
        residual -= step * image
        following = residual / diagonal
        now = np.sum(residual * following, axis=1)
        ratio = np.divide(now, power, out=np.zeros_like(power), where=power > 0)[:, None]
        direction, power = following + ratio * direction, now
    return found
