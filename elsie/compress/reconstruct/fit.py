"""One layer fitted to the dense network in float: mask, then weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.reconstruct.layer.alps import Groups, alps
from elsie.compress.reconstruct.layer.least_squares import least_squares
from elsie.compress.reconstruct.layer.problem import Problem
from elsie.compress.reconstruct.matrices import VIEWS, kept


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A layer that does what the dense one did, as well as its mask allows."""

    layer: FloatLayer
    """With weights of least loss."""
    weights: Reals
    """The same, (rows, columns + 1)."""
    mask: NDArray[np.bool_]
    """Which of them are kept, (rows, columns)."""
    problem: Problem
    """What they solve."""


def fit(
    dense: FloatLayer,
    pruned: FloatLayer,
    *,
    wanted: Reals,
    given: Reals,
    valid: NDArray[np.bool_],
    groups: Groups | None = None,
) -> Fitted:
    """Fit `pruned` to `dense`: each has its own inputs, `given` and `wanted`, where `valid`.

    With `groups` the mask is chosen anew, as many weights of each group. Cells' inputs depend on
    what they put out, so the first round takes the dense cells' outputs and the others their own.
    """
    view, mask = VIEWS[dense.kind], kept(pruned, VIEWS[dense.kind])
    before = _rows(view.inputs(dense, wanted)[valid])
    reference, layer = view.read(dense), dense
    weights, problem = reference, None
    for _ in range(view.rounds):
        now = _rows(view.inputs(layer, given)[valid])
        problem = Problem.of(
            reference,
            wanted=before,
            given=now,
            sources=view.sources(dense),
            damping=view.damping,
        )
        if groups is not None:
            mask = alps(problem, mask, groups)
        weights = least_squares(problem, mask)
        layer = view.write(pruned, weights)
    assert problem is not None
    return Fitted(layer=layer, weights=weights, mask=mask, problem=problem)


def _rows(inputs: Reals) -> Reals:
    """Inputs (..., columns) as samples of the problem; a map gives several."""
    return inputs.reshape(-1, inputs.shape[-1])
