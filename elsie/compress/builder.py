"""Integer layers of a recurrent model: scales, codes and places (docs/compression.md).

All columns of a layer share the accumulator's scale, so weights of what is fed back, and peepholes,
are quantised as 2**(in_frac - back_frac) of themselves: the integers then mean the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.checks import bias_limit
from elsie.compress.model.cells import FloatCells
from elsie.compress.model.model import FloatLayer
from elsie.compress.place.rows import assign_rows
from elsie.compress.quantise.calibrate import activation_frac, column_activity
from elsie.compress.quantise.quantise import MAX_FRAC, Quantised, quantise
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer, locate_rows
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC, LayerKind

Reals = NDArray[np.float64]

FINEST = 30
"""Most fraction bits of an activation: below 2**-30 it is as good as none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibrated:
    """What the calibration data say of one layer: valid steps only, (steps, width)."""

    inputs: Reals
    outputs: Reals
    states: Reals


@dataclass(frozen=True, kw_only=True, eq=False)
class Builder:
    """Makes layers for one engine, one after the other."""

    config: EngineConfig
    """Kind of weights, and shape."""
    strategy: str
    """Of the row assignment."""
    held: NDArray[np.int64]
    """Entries of each PE so far, shape (pes,)."""
    places: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    """Positions that are given, by layer; the others are chosen."""

    def cells(self, layer: FloatCells, run: Calibrated, in_frac: int) -> list[Layer]:
        """The integer layer, and its projection's."""
        inputs, back, bias = _stacked(layer)
        back_frac, projection = GATE_FRAC, None
        if layer.projection is not None:
            projection = quantise(self.config, layer.projection)
            most = min(FINEST, projection.weight_frac + GATE_FRAC)
            back_frac = activation_frac(run.outputs, act_width=CELL_WIDTH, max_frac=most)
        looks = np.zeros((len(inputs), 0))
        if layer.peephole is not None:
            nothing = np.zeros(layer.n_cells)
            i, f, o = layer.peephole
            looks = np.concatenate((i, f, nothing, o))[:, None] * 2.0 ** (
                in_frac - self.config.state_frac
            )
        matrix = np.hstack((inputs, back * 2.0 ** (in_frac - back_frac), looks))
        weights = quantise(self.config, matrix, max_frac=bias_limit(bias, in_frac, most=MAX_FRAC))
        shift = weights.weight_frac + in_frac - PRE_FRAC
        if shift < 0:
            raise ElsieError(
                f"layer {layer.name}: inputs up to {np.abs(run.inputs).max():g} with weights up to "
                f"{np.abs(inputs).max():g} leave its sums {PRE_FRAC + shift} fraction bits, and "
                f"tanh needs {PRE_FRAC}; normalise the inputs to about 1"
            )
        width = layer.n_in + layer.n_out
        stored = weights.stored[:, :width]
        gates = stored.reshape(4, layer.n_cells, width).sum(axis=0)
        activity = np.concatenate(
            (
                column_activity(run.inputs, in_frac, act_width=CELL_WIDTH),
                column_activity(run.outputs, back_frac, act_width=CELL_WIDTH),
            )
        )
        position = self._place(layer.name, gates, activity)
        peephole = np.zeros((0, 3), dtype=np.int64)
        if looks.size:
            peephole = weights.codes[:, -1].reshape(4, layer.n_cells)[[0, 1, 3]].T
        made = Layer(
            name=layer.name,
            kind=layer.kind,
            n_in=layer.n_in,
            n_out=layer.n_cells,
            n_back=layer.n_out,
            projected=layer.projection is not None,
            **weights.columns(width),
            bias=np.rint(bias * 2.0 ** (weights.weight_frac + in_frac)).astype(np.int64),
            shift=shift,
            activation="identity",
            in_frac=in_frac,
            out_frac=GATE_FRAC,
            position=position,
            peephole=peephole,
        )
        self._hold(made)
        if layer.projection is None or projection is None:
            return [made]
        dense = FloatLayer(
            name=f"{layer.name}.projection",
            weight=layer.projection,
            bias=np.zeros(layer.n_out),
            activation="identity",
        )
        # Outputs of cells are hardly ever 0.
        hidden = replace(run, inputs=np.ones((1, layer.n_cells)))
        made_of = (dense, projection, hidden, GATE_FRAC, back_frac)
        return [made, self._dense(*made_of)]

    def fully_connected(self, layer: FloatLayer, run: Calibrated, in_frac: int) -> Layer:
        """A fully connected layer of the model."""
        limit = bias_limit(layer.bias, in_frac, most=MAX_FRAC)
        weights = quantise(self.config, layer.weight, max_frac=limit)
        most = min(FINEST, weights.weight_frac + in_frac)
        out_frac = activation_frac(run.outputs, act_width=CELL_WIDTH, max_frac=most)
        return self._dense(layer, weights, run, in_frac, out_frac)

    def _dense(
        self, layer: FloatLayer, weights: Quantised, run: Calibrated, in_frac: int, out_frac: int
    ) -> Layer:
        """The integer layer of quantised weights."""
        sum_frac = weights.weight_frac + in_frac
        activity = column_activity(run.inputs, in_frac, act_width=CELL_WIDTH)
        made = Layer(
            name=layer.name,
            n_in=layer.n_in,
            n_out=layer.n_out,
            **weights.columns(),
            bias=np.rint(layer.bias * 2.0**sum_frac).astype(np.int64),
            shift=sum_frac - out_frac,
            activation=layer.activation,
            in_frac=in_frac,
            out_frac=out_frac,
            position=self._place(layer.name, weights.stored, activity),
        )
        return self._hold(made)

    def _place(self, name: str, stored: NDArray[Any], activity: Reals) -> NDArray[np.int64]:
        """Position of each output, from entries (n_out, columns) and how often columns are used."""
        if name in self.places:
            return self.places[name]
        config, strategy = self.config, self.strategy
        return assign_rows(config, stored, strategy=strategy, activity=activity, held=self.held)

    def _hold(self, layer: Layer) -> Layer:
        """Add a layer's entries to what each PE holds; returns the layer."""
        pe, _ = locate_rows(self.config, layer)
        self.held[:] += np.bincount(pe[layer.rows], minlength=self.config.pes)
        return layer


def _stacked(layer: FloatCells) -> tuple[Reals, Reals, Reals]:
    """Input and recurrent matrix, (rows, columns), and bias (rows,), in golden's order of rows."""
    if layer.kind is LayerKind.LSTM:
        flat = (layer.weight.reshape(-1, layer.n_in), layer.recurrent.reshape(-1, layer.n_out))
        return (*flat, layer.bias.reshape(-1))
    n = layer.n_cells
    inner = np.zeros(n) if layer.bias_recurrent is None else layer.bias_recurrent
    return (
        np.vstack((*layer.weight, np.zeros((n, layer.n_in)))),
        np.vstack((*layer.recurrent[:2], np.zeros((n, n)), layer.recurrent[2])),
        np.concatenate((*layer.bias, inner)),
    )
