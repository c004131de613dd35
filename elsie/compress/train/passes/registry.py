"""The kinds of layers that learn, by backpropagation; a kind is an entry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from elsie.compress.kinds.step import Quantised
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.reconstruct.matrices import VIEWS
from elsie.compress.train.passes import cells, dense, gru, lstm
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import LayerKind


class Backward(Protocol):
    """Goes back through a layer."""

    def __call__(
        self, layer: Any, arrays: Sequence[Reals], tape: Any, error: Reals, /, *, inputs: bool
    ) -> tuple[list[Reals], Reals | None]:
        """From the tape of the way forwards, and the gradient of the outputs."""
        ...


@dataclass(frozen=True, kw_only=True)
class Pass:
    """A kind of layer as arrays that learn: its matrix (VIEWS), and what it has beside.

    Only the matrix has a bias, as its last column.
    """

    forward: Callable[[Any, Sequence[Reals], Reals], tuple[Reals, Any]]
    """Outputs (..., n_out) and a tape, from layer, arrays and inputs (..., n_in)."""
    backward: Backward
    """Gradients of the arrays, and of the inputs if they are wanted."""
    beside: Callable[[Any], list[Reals]] = lambda _: []
    """The other arrays."""
    with_beside: Callable[[Any, Sequence[Reals]], FloatLayer] = lambda layer, _: layer
    """The layer with others."""
    scales_beside: Callable[[Any, Quantised, EngineConfig], list[float]] = lambda *_: []
    """What the others are multiplied with before they are quantised, as in VIEWS."""


def _beside(layer: FloatCells) -> list[Reals]:
    return [array for array in (layer.peephole, layer.projection) if array is not None]


def _with_beside(layer: FloatCells, arrays: Sequence[Reals]) -> FloatCells:
    rest = list(arrays)
    return replace(
        layer,
        peephole=None if layer.peephole is None else rest.pop(0),
        projection=None if layer.projection is None else rest.pop(0),
    )


def _scales_beside(layer: FloatCells, made: Quantised, config: EngineConfig) -> list[float]:
    if layer.projection is not None:
        raise ElsieError(
            f"layer {layer.name}: it has a projection, which no ONNX file holds, so it is not "
            f"trained; use 'elsie compile --density', which needs no training"
        )
    if layer.peephole is None:
        return []
    return [2.0 ** (made.layers[0].in_frac - config.state_frac)]


def _cells(cell: cells.Cell) -> Pass:
    return Pass(
        forward=partial(cells.forward, cell),
        backward=partial(cells.backward, cell),
        beside=_beside,
        with_beside=_with_beside,
        scales_beside=_scales_beside,
    )


PASSES: Mapping[LayerKind, Pass] = {
    LayerKind.DENSE: Pass(forward=dense.forward, backward=dense.backward),
    LayerKind.LSTM: _cells(
        cells.Cell(halved=lstm.HALVED, forward=lstm.forward, backward=lstm.backward)
    ),
    LayerKind.GRU: _cells(
        cells.Cell(halved=gru.HALVED, forward=gru.forward, backward=gru.backward)
    ),
}


def read(layer: FloatLayer) -> list[Reals]:
    """The arrays of a layer, copies."""
    beside = PASSES[layer.kind].beside(layer)
    return [np.array(array) for array in (VIEWS[layer.kind].read(layer), *beside)]


def write(layer: FloatLayer, arrays: Sequence[Reals]) -> FloatLayer:
    """The layer with such arrays."""
    made = VIEWS[layer.kind].write(layer, np.asarray(arrays[0], np.float64))
    beside = [np.asarray(array, np.float64) for array in arrays[1:]]
    return PASSES[layer.kind].with_beside(made, beside)
