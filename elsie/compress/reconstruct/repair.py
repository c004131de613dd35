"""What the compiler calls between pruning and quantising a layer."""

import numpy as np

from elsie.compress.kinds.registry import KINDS
from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.effort import Effort
from elsie.compress.reconstruct.exact import is_exact
from elsie.compress.reconstruct.fit import fit
from elsie.compress.reconstruct.layer.grids import on_grid
from elsie.compress.reconstruct.matrices import VIEWS
from golden.config import EngineConfig


class Repair:
    """Goes through a model's layers in order, beside the compiler."""

    def __init__(self, given: Signal, effort: Effort, model: Model) -> None:
        """`given` are the model's inputs."""
        self._effort = effort
        self._wanted, self._model, self._number = model.stages(given.values), model, 0

    def __call__(
        self,
        layer: FloatLayer,
        pruned: FloatLayer,
        signal: Signal,
        config: EngineConfig,
        *,
        even: bool,
    ) -> tuple[FloatLayer, FloatLayer]:
        """`pruned` with the weights that make up best for those that are gone, and quantised.

        `layer` is the reference, `signal` what `pruned` is given. The second layer's weights are
        values of the alphabet, so that the quantiser, which takes the nearest, gives their codes.
        `even`: PEs have equally many weights, so none is dropped.
        """
        if not self._effort.repair:
            return pruned, pruned
        view = VIEWS[layer.kind]
        self._number += 1
        wanted = self._wanted.given(self._number)
        outputs = self._model.snap(self._number, layer.forward(wanted))
        self._wanted.put(self._number, outputs)
        if not view.sources(layer) or _stays(pruned, signal, config):
            return pruned, pruned
        given = signal.rounded(config)
        fitted = fit(layer, pruned, wanted=wanted, given=given, valid=signal.valid)
        nearest = KINDS[layer.kind].quantise(fitted.layer, signal, config)
        scale = np.append(view.scales(layer, nearest, config), 1.0)
        weights, grid = on_grid(
            fitted.problem.scaled(scale),
            fitted.weights * scale,
            fitted.mask,
            nearest.grid,
            QUANTISERS[(layer.scheme or Scheme.of(config)).name],
            drop=not even,
            finer=not nearest.bound,
        )
        exact = view.write(pruned, weights / scale)
        return fitted.layer, view.settle(exact, grid, nearest, config)


def _stays(layer: FloatLayer, signal: Signal, config: EngineConfig) -> bool:
    """All weights are values of an alphabet: trained so, and not to be moved from them."""
    view = VIEWS[layer.kind]
    weights = view.read(layer)[:, :-1]
    # Each source of columns has its own scale.
    most = len(view.sources(layer)) << config.code_width
    if len(np.unique(weights)) > 1 + most:
        return False  # the usual case, seen without quantising
    return is_exact(layer, KINDS[layer.kind].quantise(layer, signal, config), config)
