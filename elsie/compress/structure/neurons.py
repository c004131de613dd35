"""Whole neurons dropped, and the next layer fitted to what is left of its inputs.

Optimal Brain Surgeon (Hassibi and Stork, NIPS 1992) for a column at once, as in ZipLM (Kurtic et
al., NeurIPS 2023, section 3.1). What the next layer's sums lose without an input is the sum of its
squared weights over the diagonal of the inverse Hessian, if the other weights make up for it. The
input of least loss goes, all others are updated, and so on. What is left is solved for exactly.
"""

from collections.abc import Callable, Mapping

import numpy as np

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.reconstruct.layer.problem import Problem
from elsie.compress.reconstruct.matrices import VIEWS
from elsie.compress.structure.fold import hidden, thinner
from elsie.compress.structure.shapes import Kept, without_inputs, without_outputs

SHARE = 256
"""At most one in so many columns goes at once, so that large layers take no hours; the next choice
then knows of it. Below, one by one."""


def drop_neurons(
    model: Model, given: Signal, counts: Mapping[str, int], say: Callable[[str], None]
) -> Model:
    """The model whose layers named in `counts` keep so many neurons at most.

    Layers are gone through in order, so that each is fitted on what those before it give now. The
    targets are the sums of `model` on the calibration data.
    """
    smaller, wanted, now = model, given.values, given.values
    for number, layer in enumerate(model.layers):
        wanted = model.snap(number + 1, layer.forward(wanted))
        count = counts.get(layer.name, layer.n_out)
        if count < layer.n_out:
            say(f"drop neurons of layer {layer.name}: {count} of {layer.n_out} stay")
            smaller = _drop(smaller, number, (wanted, now), given, count)
        now = smaller.snap(number + 1, smaller.layers[number].forward(now))
    return smaller


def _drop(
    model: Model, number: int, values: tuple[Reals, Reals], given: Signal, count: int
) -> Model:
    """With `count` neurons of layer `number`, whose outputs were and whose inputs are `values`."""
    layer, after = hidden(model, number), model.layers[number + 1]
    assert layer is not None
    wanted, now = values[0], model.snap(number + 1, layer.forward(values[1]))
    view = VIEWS[after.kind]
    problem = Problem.of(
        view.read(after),
        wanted=view.inputs(after, wanted)[given.valid],
        given=view.inputs(after, now)[given.valid],
        sources=view.sources(after),
        damping=view.damping,
    )
    kept = choose(problem, layer.n_out, count)
    fitted = view.write(after, refit(problem, kept))
    none = np.zeros(np.count_nonzero(~kept))
    pair: list[FloatLayer] = [without_outputs(layer, kept), without_inputs(fitted, kept, none)]
    return thinner(model, number, pair, kept)


def choose(problem: Problem, columns: int, count: int) -> Kept:
    """Which `count` of the first `columns` columns of the problem stay, shape (columns,)."""
    inverse, weights = np.linalg.inv(problem.hessian), problem.target.copy()
    kept = np.ones(columns, dtype=bool)
    while (more := int(kept.sum()) - count) > 0:
        stays = np.flatnonzero(kept)
        loss = np.sum(weights[:, stays] ** 2, axis=0) / np.diag(inverse)[stays]
        most = min(more, max(1, len(stays) // SHARE))
        gone = stays[np.argsort(loss, kind="stable")[:most]]
        across = np.linalg.solve(inverse[np.ix_(gone, gone)], inverse[gone])
        weights -= weights[:, gone] @ across
        inverse -= inverse[:, gone] @ across
        kept[gone] = False
    return kept


def refit(problem: Problem, kept: Kept) -> Reals:
    """Weights (rows, columns + 1) of least loss that are 0 in columns that are not `kept`."""
    used = np.ones(len(problem.hessian), dtype=bool)
    used[: len(kept)] = kept
    found = np.zeros_like(problem.target)
    right = (problem.target @ problem.hessian)[:, used]
    found[:, used] = np.linalg.solve(problem.hessian[np.ix_(used, used)], right.T).T
    return found
