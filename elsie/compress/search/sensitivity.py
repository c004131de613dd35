"""What pruning one layer alone costs the outputs, at every density.

The layer is pruned and fitted to the dense one as the compiler does it (reconstruct), all others
stay as they are, and the outputs on held-out samples are compared: their squared error's share of
the variance. Weights stay in float, so one curve serves all alphabets.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from elsie.compress.inputs import exponents_of, scale_model, scale_signal
from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.prune.layer import prune_layer
from elsie.compress.quality import Held, hold_out, relative_error
from elsie.compress.reconstruct.effort import EFFORTS
from elsie.compress.reconstruct.fit import fit
from elsie.compress.reconstruct.matrices import VIEWS, groups
from elsie.compress.structure.change import restructure
from elsie.compress.structure.plan import Plan
from golden.config import EngineConfig

RATIO = 2 / 3
"""From one density to the next."""
DENSITIES = 12
"""How many densities a curve has."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Of one layer."""

    name: str
    """The layer."""
    size: int
    """Its weights, zeros too."""
    outputs: int
    """Rows of its matrix, all gates."""
    densities: Reals
    """Falling, from the model's own, shape (DENSITIES,)."""
    errors: Reals
    """Squared relative error of the network's outputs, rising, same shape."""

    def error(self, density: float) -> float:
        """Between the densities that were tried, straight in logarithms of the density."""
        return float(np.interp(-np.log(density), -np.log(self.densities), self.errors))


@dataclass(frozen=True, kw_only=True, eq=False)
class Unpruned:
    """The network whose layers are pruned, and data."""

    model: Model
    """With the structure that was asked for, in units in which one scale fits all inputs."""
    fitted: Signal
    """Calibration data that layers are fitted to."""
    held: Held
    """Those on which outputs are compared."""
    config: EngineConfig
    """An engine."""


def unpruned(
    model: Model,
    given: Signal,
    config: EngineConfig,
    options: CompileOptions,
    say: Callable[[str], None],
) -> Unpruned:
    """What the compiler has before it prunes; `config` decides no more than the inputs' scales."""
    exponents = exponents_of(model, given, config, delta=options.delta is not None)
    plan = Plan.of(model, neurons=options.neurons, rank=options.rank)
    fitted, held = hold_out(scale_signal(given, exponents))
    left = restructure(plan, scale_model(model, exponents), fitted, say)
    return Unpruned(model=left, fitted=fitted, held=held, config=config)


def curves(exact: Unpruned, say: Callable[[str], None]) -> list[Curve]:
    """A curve for each layer."""
    model, held = exact.model, exact.held
    wanted = _outputs(model, held)
    found, values = [], exact.fitted.values
    for number, layer in enumerate(model.layers):
        say(f"what pruning layer {layer.name} costs ({number + 1} of {len(model.layers)})")
        densities = np.array([own_density(layer) * RATIO**step for step in range(DENSITIES)])
        errors = [0.0]
        for density in densities[1:]:
            pruned = _pruned(layer, float(density), values, exact)
            layers = (*model.layers[:number], pruned, *model.layers[number + 1 :])
            outputs = _outputs(replace(model, layers=layers), held)
            errors.append(max(relative_error(outputs, wanted) ** 2, errors[-1]))
        parts = layer.parts()
        found.append(
            Curve(
                name=layer.name,
                size=sum(m.size for part in parts for m in part.matrices),
                outputs=parts[0].matrices[0].shape[0] * parts[0].matrices[0].shape[1],
                densities=densities,
                errors=np.array(errors),
            )
        )
        values = layer.forward(values)
    return found


def own_density(layer: FloatLayer) -> float:
    """Share of a layer's weights that are not 0; at least one."""
    matrices = [matrix for part in layer.parts() for matrix in part.matrices]
    kept = sum(int(np.count_nonzero(matrix)) for matrix in matrices)
    return max(1, kept) / sum(matrix.size for matrix in matrices)


def _pruned(layer: FloatLayer, density: float, values: Reals, exact: Unpruned) -> FloatLayer:
    """The layer fitted to itself with fewer weights, on its own inputs."""
    signal = replace(exact.fitted, values=values)
    pruned, owners = prune_layer(layer, signal, exact.config, density, CompileOptions())
    labels = groups(layer, VIEWS[layer.kind], owners, per=None)
    small = float(len(labels)) * labels.shape[1] ** 2 <= EFFORTS["fast"].largest
    return fit(
        layer,
        pruned,
        wanted=values,
        given=values,
        valid=signal.valid,
        groups=labels if small else None,
    ).layer


def _outputs(model: Model, held: Held) -> Reals:
    """Rows of outputs that count."""
    data = held.data
    found = model.predict(data.x, data.lengths)
    return found[held.signal.valid] if found.ndim == 3 else found
