"""An alphabet's values, and better ones: the scale, or the shared weights, of least loss.

Everything that differs between kinds of weights comes from elsie.compress.quantise.registry: a
codebook's values may be any, so they are solved for; of others a scale, or only a power of two.
"""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.registry import Quantiser, Solved
from elsie.compress.reconstruct.layer.brain_surgeon import round_in_order
from elsie.compress.reconstruct.layer.descent import descend
from elsie.compress.reconstruct.layer.problem import Problem

REFITS = 3
"""Times that values are solved for."""
SCALES = (1.0, 0.5, 2.0)
"""That are tried, in multiples of the one of least squared error."""


def on_grid(
    problem: Problem,
    weights: Reals,
    mask: NDArray[np.bool_],
    values: Reals,
    quantiser: Quantiser,
    *,
    drop: bool = True,
    finer: bool = True,
) -> tuple[Reals, Reals]:
    """Weights (rows, columns + 1) of little loss whose values are an alphabet's, and that grid.

    `weights` are real ones of least loss on `mask` (rows, columns). `values`, ascending, are those
    of `quantiser` that suit them if each goes to the nearest: where it starts. `drop` lets a weight
    become 0 where no code stands for that, and so lose its entry, if the alphabet does. `finer`:
    the values may become smaller.
    """
    if drop and quantiser.drops:
        values = np.unique(np.append(values, 0.0))
    if not mask.any():
        return weights, values

    free = quantiser.solved is Solved.VALUES
    grids = [values] if free else [values * scale for scale in SCALES if finer or scale >= 1]
    starts = round_in_order(problem, weights, mask, grids)
    pairs = zip(starts, grids, strict=True)
    tried = [(descend(problem, start, mask, grid), grid) for start, grid in pairs]
    found, grid = min(tried, key=lambda one: problem.loss(one[0]))
    for _ in range(0 if quantiser.solved is Solved.POWER else REFITS):
        refitted = _refit(problem, found, mask, grid, quantiser.solved)
        moved = refitted[np.searchsorted(grid, found[:, :-1])]
        start = np.hstack((np.where(mask, moved, 0.0), found[:, -1:]))
        grid = np.unique(refitted)
        found = descend(problem, start, mask, grid)
    return found, grid


def _refit(
    problem: Problem, found: Reals, mask: NDArray[np.bool_], grid: Reals, solved: Solved
) -> Reals:
    """Values of least loss for the codes of `found`: (sum Z^T H Z) a = sum Z^T H w; 0 stays 0.

    Z (columns + 1, values) says which value each column of a row has; the sum is over rows. The
    bias of each row is what is best for the new values, so it is eliminated first. Where only a
    factor is free, a = s g for the grid's values g, so s = g^T right / g^T left g.
    """
    hessian, target = problem.hessian, problem.target
    # Without the bias: H' = H - h h^T / H_bb, and the target's own bias drops out.
    edge = hessian[:-1, -1]
    inner = hessian[:-1, :-1] - np.outer(edge, edge) / hessian[-1, -1]
    index = np.searchsorted(grid, found[:, :-1])
    free = np.flatnonzero(grid != 0)
    left, right = np.zeros((len(grid), len(grid))), np.zeros(len(grid))
    wanted = target[:, :-1] @ inner
    for row in range(len(found)):
        columns = np.flatnonzero(mask[row])
        chosen = np.zeros((len(columns), len(grid)))
        chosen[np.arange(len(columns)), index[row, columns]] = 1.0
        left += chosen.T @ inner[np.ix_(columns, columns)] @ chosen
        right += chosen.T @ wanted[row, columns]
    if solved is Solved.SCALE:
        scale = float(grid @ right / (grid @ left @ grid)) if found[:, :-1].any() else 1.0
        return grid * (scale if scale > 0 else 1.0)
    used = free[np.diag(left)[free] > 0]
    better = grid.copy()
    system = left[np.ix_(used, used)]
    better[used] = np.linalg.lstsq(system, right[used], rcond=None)[0]
    if solved is Solved.SIGNED:
        return np.where(np.sign(better) == np.sign(grid), better, grid)
    return better
