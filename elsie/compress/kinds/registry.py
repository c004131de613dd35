"""The kinds of layers that the compiler knows.

A new kind needs a float layer (elsie.compress.model), an ONNX handler (elsie.compress.onnx) and an
entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elsie.compress.kinds.conv import quantise_conv
from elsie.compress.kinds.dense import quantise_dense
from elsie.compress.kinds.gates import quantise_cells
from elsie.compress.kinds.step import Quantised, Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from golden.config import EngineConfig, MacKind
from golden.errors import ArgumentError
from golden.format.activations import ACTIVATIONS
from golden.kinds import CELL_WIDTH, LayerKind
from golden.maps.settings import Maps


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the compiler needs to know about a kind of layer."""

    quantise: Callable[[Any, Signal, EngineConfig], Quantised]
    """Makes a pruned float layer of this kind, which is its first argument, into integers."""
    engine: Callable[[Any], Mapping[str, int | Maps]]
    """Fields that an engine's configuration must have from the start for such a float layer."""
    weights: tuple[MacKind, int] | None = None
    """Kind and code width of its weights by default; None for the engine's own."""
    shared_scale: bool = False
    """Its weights share a scale with what is fed back, so that some may become 0."""


def _dense(layer: FloatDense) -> Mapping[str, int]:
    return {"functions": True} if ACTIVATIONS[layer.activation].function else {}


_CELLS = Kind(
    quantise=quantise_cells,
    engine=lambda _: {"act_width": CELL_WIDTH, "cells": 1 << 14},
    weights=(MacKind.FIXED, 12),  # ESE's
    shared_scale=True,
)

KINDS: Mapping[LayerKind, Kind] = {
    LayerKind.DENSE: Kind(quantise=quantise_dense, engine=_dense),
    LayerKind.LSTM: _CELLS,
    LayerKind.GRU: _CELLS,
    LayerKind.CONV: Kind(quantise=quantise_conv, engine=lambda _: {"maps": Maps(rows=2)}),
}


def engine_needs(model: Model, *, act_width: int) -> dict[str, int | Maps]:
    """Fields that an engine for the model must have from the start.

    Raises ElsieError when its functions need wider activations than `act_width` bits.
    """
    each = [(layer, KINDS[layer.kind].engine(layer)) for layer in model.layers]
    needs = {name: value for _, fields in each for name, value in fields.items()}
    width = needs.get("act_width", act_width)
    for layer, fields in each:
        if "functions" in fields and width != CELL_WIDTH:
            raise ArgumentError(
                f"layer {layer.name}: a sigmoid or tanh needs activations of {CELL_WIDTH} bits, "
                f"but the engine's have {width}; use `act_width` {CELL_WIDTH}"
            )
    return needs


def usual_weights(model: Model) -> tuple[MacKind, int] | None:
    """Kind and code width of the model's weights by default; None for the engine's own."""
    return next((KINDS[x.kind].weights for x in model.layers if KINDS[x.kind].weights), None)
