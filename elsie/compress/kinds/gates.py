"""LSTM and GRU layers in integers.

All columns of a layer share the accumulator's scale, so weights of what is fed back, and peepholes,
are quantised as 2**(in_frac - back_frac) and 2**(in_frac - state_frac) of themselves: the integers
then have the same scale. Outputs of cells have GATE_FRAC fraction bits, whatever the data. Only a
projection's outputs are calibrated; as they are fed back, weights and scale are chosen in turn.
"""

from dataclasses import dataclass, replace

import numpy as np

from elsie.compress.checks import bias_limit, check_fraction
from elsie.compress.kinds.dense import dense_layer
from elsie.compress.kinds.step import Quantised, Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.grid import snap
from elsie.compress.model.layer import Reals
from elsie.compress.quantise.calibrate import activation_frac, column_activity
from elsie.compress.quantise.codes import MAX_FRAC
from elsie.compress.quantise.quantise import Weights, quantise
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig
from golden.errors import ArgumentError
from golden.format.alphabets import decode
from golden.format.network import Layer
from golden.kinds import GATE_FRAC, PRE_FRAC, LayerKind


def quantise_cells(layer: FloatCells, given: Signal, config: EngineConfig) -> Quantised:
    """Gates, and the projection where there is one."""
    name = (layer.scheme or Scheme.of(config)).name
    if layer.peephole is not None and not QUANTISERS[name].near_0:
        raise ArgumentError(
            f"layer {layer.name}: it has peepholes, which are all stored, and {name} "
            f"weights have no code for those near 0; choose other `weights`"
        )
    projection = None
    if layer.projection is not None:
        projection = quantise(config, layer.projection, scheme=layer.scheme)
    shown = layer if projection is None else replace(layer, projection=projection.values)
    back_frac = GATE_FRAC if projection is None else _scale(shown, given, config, projection)
    gates = _Gates.of(layer, given, config, back_frac=back_frac)
    while projection is not None:
        found = _scale(gates.shown(shown), given, config, projection)
        if found >= back_frac:  # never finer than before, so that it settles
            break
        back_frac = found
        gates = _Gates.of(layer, given, config, back_frac=back_frac)
    shown = gates.shown(shown)
    run = shown.run(given.values)
    fed_back = column_activity(run.outputs[given.seen], back_frac, act_width=config.act_width)
    activity = np.concatenate((given.activity(config), fed_back))
    layers, activities = (gates.layer(layer),), (activity,)
    if projection is not None:
        dense = FloatDense(
            name=f"{layer.name}.projection",
            weight=projection.values,
            bias=np.zeros(layer.n_out),
            activation="identity",
        )
        made = dense_layer(dense, projection, in_frac=GATE_FRAC, out_frac=back_frac)
        # Outputs of cells are hardly ever 0.
        layers, activities = (*layers, made), (*activities, np.ones(layer.n_cells))
    states = run.states[given.seen] if layer.kind is LayerKind.LSTM else np.zeros(1)
    return Quantised(
        shown=shown,
        layers=layers,
        activity=activities,
        outputs=snap(run.outputs, given.grids),
        grid=gates.weights.grid,
        largest_state=float(np.abs(states).max(initial=0.0)),
    )


def _scale(shown: FloatCells, given: Signal, config: EngineConfig, projection: Weights) -> int:
    """Fraction bits of a projection's outputs."""
    outputs = shown.run(given.values).outputs[given.valid]
    most = min(MAX_FRAC, projection.weight_frac + GATE_FRAC)
    return activation_frac(outputs, act_width=config.act_width, max_frac=most)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Gates:
    """The gates' matrices at their common scale."""

    weights: Weights
    """Rows in golden's order; columns are inputs, what is fed back, and a peephole's."""
    bias: Reals
    """Of each row."""
    in_frac: int
    """Fraction bits of the inputs."""
    back_frac: int
    """Fraction bits of what is fed back."""
    state_frac: int
    """Fraction bits of the states."""

    @classmethod
    def of(
        cls, layer: FloatCells, given: Signal, config: EngineConfig, *, back_frac: int
    ) -> "_Gates":
        """Quantised for the scales of the columns' inputs."""
        in_frac = given.frac
        inputs, back, bias = stacked(layer)
        looks, zero = np.zeros((len(inputs), 0)), False
        if layer.peephole is not None:
            i, f, o = layer.peephole
            zero = not layer.peephole.all()
            looks = np.concatenate((i, f, np.zeros(layer.n_cells), o))[:, None]
            looks = looks * 2.0 ** (in_frac - config.state_frac)
        matrix = np.hstack((inputs, back * 2.0 ** (in_frac - back_frac), looks))
        limit = bias_limit(bias, in_frac, most=MAX_FRAC)
        weights = quantise(config, matrix, scheme=layer.scheme, max_frac=limit, zero=zero)
        if layer.peephole is not None:  # all are kept, so what became 0 counts as its code does
            integers = decode(config, weights.codes[:, -1:], weights.codebook)
            looks = integers * 2.0**-weights.weight_frac
            weights = replace(weights, values=np.hstack((weights.values[:, :-1], looks)))
        left = weights.weight_frac + in_frac
        check_fraction(layer.name, given.rows, inputs, left=left, needed=PRE_FRAC)
        return cls(
            weights=weights,
            bias=bias,
            in_frac=in_frac,
            back_frac=back_frac,
            state_frac=config.state_frac,
        )

    def shown(self, layer: FloatCells) -> FloatCells:
        """The layer with the gates that the codes stand for."""
        matrix = self.weights.values.reshape(4, layer.n_cells, -1)
        inputs, back, looks = np.split(matrix, [layer.n_in, layer.n_in + layer.n_out], axis=2)
        back = back * 2.0 ** (self.back_frac - self.in_frac)
        gru = layer.kind is LayerKind.GRU
        peephole = layer.peephole
        if peephole is not None:
            peephole = looks[[0, 1, 3], :, 0] * 2.0 ** (self.state_frac - self.in_frac)
        return replace(
            layer,
            weight=inputs[:3] if gru else inputs,
            recurrent=back[[0, 1, 3]] if gru else back,
            peephole=peephole,
        )

    def layer(self, layer: FloatCells) -> Layer:
        """The integer layer."""
        sum_frac = self.weights.weight_frac + self.in_frac
        codes, columns = self.weights.codes, layer.n_in + layer.n_out
        looks = codes[:, -1].reshape(4, layer.n_cells)[[0, 1, 3]].T
        return Layer.of_matrix(
            codes[:, :columns],
            self.weights.stored[:, :columns],
            name=layer.name,
            kind=layer.kind,
            n_back=layer.n_out,
            projected=layer.projection is not None,
            weight_frac=self.weights.weight_frac,
            in_frac=self.in_frac,
            out_frac=GATE_FRAC,
            codebook=self.weights.codebook,
            bias=np.rint(self.bias * 2.0**sum_frac),
            peephole=None if layer.peephole is None else looks,
        )


def stacked(layer: FloatCells) -> tuple[Reals, Reals, Reals]:
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


def unstacked(layer: FloatCells, weights: Reals) -> FloatCells:
    """The layer with the gates and biases of `weights` (rows, inputs + fed back + 1).

    Undoes `stacked`, whose results stand side by side, bias last.
    """
    matrix = weights.reshape(4, layer.n_cells, -1)
    inputs, back = matrix[:, :, : layer.n_in], matrix[:, :, layer.n_in : -1]
    bias = matrix[:, :, -1]
    if layer.kind is LayerKind.LSTM:
        return replace(layer, weight=inputs, recurrent=back, bias=bias)
    return replace(
        layer,
        weight=inputs[:3],
        recurrent=back[[0, 1, 3]],
        bias=bias[:3],
        bias_recurrent=bias[3],
    )
