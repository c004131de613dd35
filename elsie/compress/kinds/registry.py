"""The kinds of layers that the compiler knows.

A new kind needs a float layer (elsie.compress.model), an ONNX handler (elsie.compress.onnx) and an
entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elsie.compress.kinds.cells import quantise_cells
from elsie.compress.kinds.dense import quantise_dense
from elsie.compress.kinds.step import Quantised, Signal
from elsie.compress.model.model import Model
from golden.config import EngineConfig, MacKind
from golden.kinds import CELL_WIDTH, LayerKind


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the compiler needs to know about a kind of layer."""

    quantise: Callable[[Any, Signal, EngineConfig], Quantised]
    """Makes a pruned float layer of this kind, which is its first argument, into integers."""
    engine: Mapping[str, int]
    """Fields that an engine's configuration must have from the start."""
    weights: tuple[MacKind, int] | None = None
    """Kind and code width of its weights by default; None for the engine's own."""
    reports: tuple[str, ...] = ()
    """Figures that only its layers have (elsie.compress.report)."""


_CELLS = Kind(
    quantise=quantise_cells,
    engine={"act_width": CELL_WIDTH, "cells": 1 << 14},
    weights=(MacKind.FIXED, 12),  # ESE's
    reports=("kind", "lost"),
)

KINDS: Mapping[LayerKind, Kind] = {
    LayerKind.DENSE: Kind(quantise=quantise_dense, engine={}),
    LayerKind.LSTM: _CELLS,
    LayerKind.GRU: _CELLS,
}


def engine_needs(model: Model) -> dict[str, int]:
    """Fields that an engine for the model must have from the start."""
    return {name: value for x in model.layers for name, value in KINDS[x.kind].engine.items()}


def usual_weights(model: Model) -> tuple[MacKind, int] | None:
    """Kind and code width of the model's weights by default; None for the engine's own."""
    return next((KINDS[x.kind].weights for x in model.layers if KINDS[x.kind].weights), None)
