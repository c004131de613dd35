"""From a trained recurrent model to a compressed network (docs/compression.md).

All columns of a layer share the accumulator's scale, so weights of what is fed back, and peepholes,
are quantised as 2**(in_frac - back_frac) of themselves: the integers then mean the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.balance import assign_rows
from compress.calibrate import activation_frac, column_activity
from compress.cell_sizing import fit, roomy
from compress.cells import FloatCells
from compress.checks import bias_limit, check_scale
from compress.model import FloatLayer, Model
from compress.prune import densities, prune
from compress.quantise import MAX_FRAC, Quantised, quantise
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC, LayerKind
from golden.network import Layer, Network, locate_rows
from golden.recurrence import check_lengths

Reals = NDArray[np.float64]


_FINEST = 30
"""Most fraction bits of an activation: below 2**-30 it is as good as none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Calibrated:
    """What the calibration data say of one layer: valid steps only, (steps, width)."""

    inputs: Reals
    outputs: Reals
    states: Reals


def compile_cells(
    model: Model,
    samples: Reals,
    *,
    config: EngineConfig,
    lengths: ArrayLike | None = None,
    density: float | Mapping[str, float] | None = None,
    strategy: str = "search",
) -> Network:
    """Prune, quantise, calibrate, assign cells and size.

    `samples` (samples, steps, n_in) with `lengths` (samples,) are for the scales; `config` has the
    kind of weights and the shape; 16-bit activations are taken whatever it says. `density` prunes
    each matrix of every layer, or of the named ones. `Network.info` has each layer's non-zeros, and
    how many of the model's weights its scale made 0.

    Raises ElsieError for a model or data that do not do.
    """
    if samples.ndim != 3 or samples.shape[2] != model.n_in:
        raise ElsieError(
            f"calibration data has shape {samples.shape}, but model {model.name} takes (samples, "
            f"steps, {model.n_in})"
        )
    if not samples.size or not np.isfinite(samples).all():
        raise ElsieError("calibration data is empty, or has values that are NaN or infinite")
    check_scale(model, samples)
    last = check_lengths(lengths, samples=len(samples), steps=samples.shape[1])
    chosen = densities(model, density)
    pruned = [_pruned(layer, chosen[layer.name]) for layer in model.layers]
    run = _calibrate(pruned, samples, np.arange(samples.shape[1]) < last[:, None])
    largest = max([float(np.abs(one.states).max(initial=0.0)) for one in run], default=0.0)
    fits = [f for f in range(8, 13) if largest * 2.0**f < 1 << (CELL_WIDTH - 1)]
    config = roomy(config, state_frac=max(fits, default=8))
    layers: list[Layer] = []
    lost: list[dict[str, Any]] = []
    in_frac = activation_frac(run[0].inputs, act_width=CELL_WIDTH, max_frac=_FINEST)
    held = np.zeros(config.pes, dtype=np.int64)
    for layer, one in zip(pruned, run, strict=True):
        made = (
            [_fully_connected(config, layer, one, in_frac, strategy, held)]
            if isinstance(layer, FloatLayer)
            else _cells(config, layer, one, in_frac, strategy, held)
        )
        layers += made
        in_frac = made[-1].out_frac
        lost.append(_info(layer, made))
    # A projection is a layer of its own here.
    before = model.layers[: model.head]
    extra = sum(isinstance(x, FloatCells) and x.projection is not None for x in before)
    head = None if model.head is None else model.head + extra
    if head is not None and head >= len(layers):
        raise ElsieError(
            f"model {model.name}: it ends with the last step of a recurrent layer; put a "
            f"fully connected layer behind it, so that there is an answer"
        )
    info = {"layers": lost, "strategy": strategy, "notes": list(model.notes)}
    wide = Network(name=model.name, config=config, layers=tuple(layers), head=head, info=info)
    return replace(wide, config=fit(wide))


def _info(layer: FloatLayer | FloatCells, made: list[Layer]) -> dict[str, Any]:
    """One layer's figures; `lost` weights were not 0 before they were quantised."""
    before = np.count_nonzero(layer.weight)
    if isinstance(layer, FloatCells):
        before += np.count_nonzero(layer.recurrent)
        before += 0 if layer.projection is None else np.count_nonzero(layer.projection)
    nnz = sum(one.nnz for one in made)
    return {"name": layer.name, "nnz": nnz, "lost": int(before) - nnz}


def _hold(config: EngineConfig, layer: Layer, held: NDArray[np.int64]) -> Layer:
    """Add a layer's entries to what each PE holds; returns the layer."""
    pe, _ = locate_rows(config, layer)
    held += np.bincount(pe[layer.rows], minlength=config.pes)
    return layer


def _pruned(layer: FloatLayer | FloatCells, density: float | None) -> FloatLayer | FloatCells:
    """Each matrix of a layer, each gate's apart, at `density`."""
    if isinstance(layer, FloatLayer):
        return replace(layer, weight=prune(layer.weight, density))
    parts = {
        name: np.stack([prune(gate, density) for gate in getattr(layer, name)])
        for name in ("weight", "recurrent")
    }
    projection = None if layer.projection is None else prune(layer.projection, density)
    return replace(layer, **parts, projection=projection)


def _calibrate(
    layers: list[FloatLayer | FloatCells], samples: Reals, valid: NDArray[np.bool_]
) -> list[_Calibrated]:
    """Run the float layers on the data."""
    found, x = [], samples
    for layer in layers:
        states = np.zeros((0, 1))
        if isinstance(layer, FloatCells):
            state, y = layer.start(len(x))
            outputs, every = [], []
            for nth in range(x.shape[1]):
                state, y = layer.step(x[:, nth], state, y)
                outputs.append(y)
                every.append(state)
            out = np.stack(outputs, axis=1)
            if layer.kind is LayerKind.LSTM:
                states = np.stack(every, axis=1)[valid]
        else:
            out = layer.forward(x)
        found.append(_Calibrated(inputs=x[valid], outputs=out[valid], states=states))
        x = out
    return found


def _cells(
    config: EngineConfig,
    layer: FloatCells,
    run: _Calibrated,
    in_frac: int,
    strategy: str,
    held: NDArray[np.int64],
) -> list[Layer]:
    """The integer layer, and its projection's."""
    inputs, back, bias = _stacked(layer)
    back_frac, projection = GATE_FRAC, None
    if layer.projection is not None:
        projection = quantise(config, layer.projection)
        most = min(_FINEST, projection.weight_frac + GATE_FRAC)
        back_frac = activation_frac(run.outputs, act_width=CELL_WIDTH, max_frac=most)
    looks = np.zeros((len(inputs), 0))
    if layer.peephole is not None:
        nothing = np.zeros(layer.n_cells)
        i, f, o = layer.peephole
        looks = np.concatenate((i, f, nothing, o))[:, None] * 2.0 ** (in_frac - config.state_frac)
    matrix = np.hstack((inputs, back * 2.0 ** (in_frac - back_frac), looks))
    weights = quantise(config, matrix, max_frac=bias_limit(bias, in_frac, most=MAX_FRAC))
    shift = weights.weight_frac + in_frac - PRE_FRAC
    if shift < 0:
        raise ElsieError(
            f"layer {layer.name}: inputs up to {np.abs(run.inputs).max():g} with weights up to "
            f"{np.abs(inputs).max():g} leave its sums {PRE_FRAC + shift} fraction bits, and tanh "
            f"needs {PRE_FRAC}; normalise the inputs to about 1"
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
    position = assign_rows(config, gates, strategy=strategy, activity=activity, held=held)
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
    _hold(config, made, held)
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
    return [made, _dense(config, *made_of, strategy=strategy, held=held)]


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


def _fully_connected(
    config: EngineConfig,
    layer: FloatLayer,
    run: _Calibrated,
    in_frac: int,
    strategy: str,
    held: NDArray[np.int64],
) -> Layer:
    """A fully connected layer of the model."""
    limit = bias_limit(layer.bias, in_frac, most=MAX_FRAC)
    weights = quantise(config, layer.weight, max_frac=limit)
    most = min(_FINEST, weights.weight_frac + in_frac)
    out_frac = activation_frac(run.outputs, act_width=CELL_WIDTH, max_frac=most)
    return _dense(config, layer, weights, run, in_frac, out_frac, strategy=strategy, held=held)


def _dense(
    config: EngineConfig,
    layer: FloatLayer,
    weights: Quantised,
    run: _Calibrated,
    in_frac: int,
    out_frac: int,
    *,
    strategy: str,
    held: NDArray[np.int64],
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
        position=assign_rows(
            config, weights.stored, strategy=strategy, activity=activity, held=held
        ),
    )
    return _hold(config, made, held)
