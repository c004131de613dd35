"""Structure, in the order in which it pays: useless neurons, neurons, low-rank factors."""

from collections.abc import Callable

from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.structure.factors import factorise
from elsie.compress.structure.fold import fold, hidden
from elsie.compress.structure.neurons import drop_neurons
from elsie.compress.structure.plan import Plan
from golden.report import Left, Structure


def restructure(plan: Plan, model: Model, given: Signal, say: Callable[[str], None]) -> Model:
    """The model with the structure of the plan, fitted to itself on calibration data.

    A plan in which nothing is asked for leaves the model as it is.
    """
    if not plan.asked:
        return model
    model = fold(model)
    if plan.neurons:
        model = drop_neurons(model, given, plan.neurons, say)
    return factorise(model, given, plan.ranks, say) if plan.ranks else model


def changes(plan: Plan, before: Model, after: Model) -> Structure | None:
    """What the plan has made of a model; None if it asks for nothing."""
    if not plan.asked:
        return None
    left = {layer.name: layer.n_out for layer in after.layers}
    layers = [hidden(before, number) for number in range(len(before.layers))]
    return Structure(
        neurons={
            layer.name: Left(given=layer.n_out, left=left[plan.end(layer.name)])
            for layer in layers
            if layer is not None
        },
        rank=dict(plan.ranks),
        weights=Left(given=weights(before), left=weights(after)),
    )


def weights(model: Model) -> int:
    """How many places for weights its matrices have."""
    matrices = [m for layer in model.layers for part in layer.parts() for m in part.matrices]
    return sum(matrix.size for matrix in matrices)
