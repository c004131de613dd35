"""An alphabet's values, and better ones: the scale, or the shared weights, of least loss.

Everything that differs between kinds of weights comes from golden.format.alphabets: a codebook's
values may be any, so they are solved for; other kinds have only a scale to choose.
"""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.reconstruct.layer.brain_surgeon import round_in_order
from elsie.compress.reconstruct.layer.descent import descend
from elsie.compress.reconstruct.layer.problem import Problem
from golden.config import EngineConfig
from golden.format.layer import Layer

REFITS = 3
"""Times that a codebook's values are solved for."""
SCALES = (1.0, 0.5, 2.0)
"""That are tried, in multiples of the one of least squared error."""


def on_grid(
    problem: Problem,
    weights: Reals,
    mask: NDArray[np.bool_],
    config: EngineConfig,
    layer: Layer,
    *,
    drop: bool = True,
) -> tuple[Reals, Reals]:
    """Weights (rows, columns + 1) of little loss whose values are an alphabet's, and that grid.

    `weights` are real ones of least loss on `mask` (rows, columns). `layer` holds the alphabet
    that suits them if each goes to the nearest value: its scale and codebook are where it starts.
    `drop` lets a weight become 0 where no code stands for that, and so lose its entry.
    """
    values = _values(config, layer, drop=drop)
    if not mask.any():
        return weights, values

    codebook = config.alphabet.codebook
    grids = [values] if codebook else [values * scale for scale in SCALES]
    starts = round_in_order(problem, weights, mask, grids)
    pairs = zip(starts, grids, strict=True)
    tried = [(descend(problem, start, mask, grid), grid) for start, grid in pairs]
    found, grid = min(tried, key=lambda one: problem.loss(one[0]))
    for _ in range(REFITS if codebook else 0):
        refitted = _refit(problem, found, mask, grid)
        moved = refitted[np.searchsorted(grid, found[:, :-1])]
        start = np.hstack((np.where(mask, moved, 0.0), found[:, -1:]))
        grid = np.unique(refitted)
        found = descend(problem, start, mask, grid)
    return found, grid


def _values(config: EngineConfig, layer: Layer, *, drop: bool) -> Reals:
    """What codes stand for, ascending; with `drop` also 0, which is a weight without an entry."""
    codes = np.arange(1 << config.code_width)
    values = layer.decode(config, codes) * 2.0**-layer.weight_frac
    if config.alphabet.codebook and not drop and values.any():
        values = values[values != 0]  # what is left of a codebook is filled with 0
    return np.unique(np.append(values, 0.0) if drop else values)


def _refit(problem: Problem, found: Reals, mask: NDArray[np.bool_], grid: Reals) -> Reals:
    """Values of least loss for the codes of `found`: (sum Z^T H Z) a = sum Z^T H w; 0 stays 0.

    Z (columns + 1, values) says which value each column of a row has; the sum is over rows. The
    bias of each row is what is best for the new values, so it is eliminated first.
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
    used = free[np.diag(left)[free] > 0]
    better = grid.copy()
    system = left[np.ix_(used, used)]
    better[used] = np.linalg.lstsq(system, right[used], rcond=None)[0]
    return better
