"""Structure, in the order in which it pays: useless neurons, neurons, low-rank factors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.structure.factors import factorise
from elsie.compress.structure.fold import fold, hidden
from elsie.compress.structure.neurons import drop_neurons
from elsie.compress.structure.plan import Plan


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Structured:
    """A model before and after, for the report."""

    plan: Plan
    """What was asked for."""
    before: Model
    """As given."""
    after: Model
    """As it is pruned."""

    def info(self) -> dict[str, Any]:
        """`structure`: neurons of each hidden layer, ranks, weights; {} if nothing was asked."""
        if not self.plan.asked:
            return {}
        left = {layer.name: layer.n_out for layer in self.after.layers}
        layers = [hidden(self.before, number) for number in range(len(self.before.layers))]
        return {
            "structure": {
                "neurons": {
                    layer.name: {
                        "given": layer.n_out,
                        "left": left[self.plan.end(layer.name)],
                    }
                    for layer in layers
                    if layer is not None
                },
                "rank": dict(self.plan.ranks),
                "weights": {"given": weights(self.before), "left": weights(self.after)},
            }
        }


def weights(model: Model) -> int:
    """How many places for weights its matrices have."""
    matrices = [m for layer in model.layers for part in layer.parts() for m in part.matrices]
    return sum(matrix.size for matrix in matrices)
