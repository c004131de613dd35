"""Layers with fewer inputs or outputs, whatever their kind."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.layer import FloatLayer, Reals
from golden.kinds import LayerKind

Kept = NDArray[np.bool_]
"""Which inputs or outputs of a layer stay, shape (width,)."""


def _dense(layer: FloatDense, kept: Kept, constants: Reals) -> FloatDense:
    bias = layer.bias + layer.weight[:, ~kept] @ constants
    return replace(layer, weight=layer.weight[:, kept], bias=bias)


def _cells(layer: FloatCells, kept: Kept, constants: Reals) -> FloatCells:
    bias = layer.bias + layer.weight[:, :, ~kept] @ constants
    return replace(layer, weight=layer.weight[:, :, kept], bias=bias)


_FEWER: Mapping[LayerKind, Callable[[Any, Kept, Reals], FloatLayer]] = {
    LayerKind.DENSE: _dense,
    LayerKind.LSTM: _cells,
    LayerKind.GRU: _cells,
}


def can_lose_inputs(layer: FloatLayer) -> bool:
    """Layers of this kind can do without an input."""
    return layer.kind in _FEWER


def without_inputs(layer: FloatLayer, kept: Kept, constants: Reals) -> FloatLayer:
    """The layer that takes the inputs `kept` only; the others always have these values."""
    return _FEWER[layer.kind](layer, kept, constants)


def without_outputs(layer: FloatDense, kept: Kept) -> FloatDense:
    """The layer with the outputs `kept` only."""
    return replace(layer, weight=layer.weight[kept], bias=layer.bias[kept])


def used_inputs(layer: FloatLayer) -> Kept:
    """Which inputs any weight uses."""
    return (layer.parts()[0].matrices[0] != 0).any(axis=(0, 1))
