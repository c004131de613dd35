"""From a trained recurrent model to a compressed network (docs/compression.md).

All columns of a layer share the accumulator's scale, so weights of what is fed back, and peepholes,
are quantised as 2**(in_frac - back_frac) of themselves: the integers then mean the same.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.balance import assign_rows
from compress.calibrate import activation_frac, column_activity
from compress.cell_sizing import fit, roomy
from compress.cells import FloatCells
from compress.model import FloatLayer, Model
from compress.prune import prune
from compress.quantise import MAX_FRAC, quantise
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC, LayerKind
from golden.network import Layer, Network
from golden.recurrence import check_lengths

Reals = NDArray[np.float64]
_BIAS_BITS = 46
"""As in compress.compiler: a bias fits the widest accumulator with its products."""


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
    density: dict[str, float | None] | None = None,
    strategy: str = "search",
) -> Network:
    """Prune, quantise, calibrate, assign cells and size.

    `samples` (samples, steps, n_in) with `lengths` (samples,) are for the scales; `config` has the
    kind of weights and the shape; 16-bit activations are taken whatever it says.

    Raises ElsieError for a model or data that do not do.
    """
    if samples.ndim != 3 or samples.shape[2] != model.n_in:
        raise ElsieError(
            f"calibration data has shape {samples.shape}, but model {model.name} takes (samples, "
            f"steps, {model.n_in})"
        )
    if not samples.size or not np.isfinite(samples).all():
        raise ElsieError("calibration data is empty, or has values that are NaN or infinite")
    last = check_lengths(lengths, samples=len(samples), steps=samples.shape[1])
    pruned = [_pruned(layer, (density or {}).get(layer.name)) for layer in model.layers]
    run = _calibrate(pruned, samples, np.arange(samples.shape[1]) < last[:, None])
    largest = max([float(np.abs(one.states).max(initial=0.0)) for one in run], default=0.0)
    fits = [f for f in range(8, 13) if largest * 2.0**f < 1 << (CELL_WIDTH - 1)]
    config = roomy(config, state_frac=max(fits, default=8))
    layers: list[Layer] = []
    in_frac = activation_frac(run[0].inputs, act_width=CELL_WIDTH, max_frac=GATE_FRAC)
    held = np.zeros(config.pes, dtype=np.int64)
    for layer, one in zip(pruned, run, strict=True):
        made = (
            [_dense(config, layer, one, in_frac, strategy, held)]
            if isinstance(layer, FloatLayer)
            else _cells(config, layer, one, in_frac, strategy, held)
        )
        layers += made
        in_frac = made[-1].out_frac
    # A projection is a layer of its own here.
    before = model.layers[: model.head]
    extra = sum(isinstance(x, FloatCells) and x.projection is not None for x in before)
    head = None if model.head is None else model.head + extra
    if head is not None and head >= len(layers):
        raise ElsieError(
            f"model {model.name}: it ends with the last step of a recurrent layer; put a "
            f"fully connected layer behind it, so that there is an answer"
        )
    wide = Network(name=model.name, config=config, layers=tuple(layers), head=head)
    return replace(wide, config=fit(wide))


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
    lstm = layer.kind is LayerKind.LSTM
    inputs, back, bias = _stacked(layer)
    back_frac = GATE_FRAC
    if layer.projection is not None:
        back_frac = activation_frac(run.outputs, act_width=CELL_WIDTH, max_frac=GATE_FRAC)
    looks = np.zeros((len(inputs), 0))
    if layer.peephole is not None:
        nothing = np.zeros(layer.n_cells)
        i, f, o = layer.peephole
        looks = np.concatenate((i, f, nothing, o))[:, None] * 2.0 ** (in_frac - config.state_frac)
    matrix = np.hstack((inputs, back * 2.0 ** (in_frac - back_frac), looks))
    bits = int(np.frexp(np.abs(bias).max())[1]) if bias.any() else -MAX_FRAC
    weights = quantise(config, matrix, max_frac=min(MAX_FRAC, _BIAS_BITS - bits - in_frac))
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
    column, row = np.nonzero(stored.T)
    made = Layer(
        name=layer.name,
        kind=layer.kind,
        n_in=layer.n_in,
        n_out=layer.n_cells,
        n_back=layer.n_out,
        projected=layer.projection is not None,
        indptr=np.concatenate(([0], np.cumsum(stored.sum(axis=0)))),
        rows=row,
        codes=weights.codes[row, column],
        codebook=weights.codebook,
        bias=np.rint(bias * 2.0 ** (weights.weight_frac + in_frac)).astype(np.int64),
        shift=weights.weight_frac + in_frac - PRE_FRAC,
        activation="identity",
        weight_frac=weights.weight_frac,
        in_frac=in_frac,
        out_frac=GATE_FRAC,
        position=position,
        peephole=peephole,
    )
    if layer.projection is None:
        return [made]
    assert lstm
    dense = FloatLayer(
        name=f"{layer.name}.projection",
        weight=layer.projection,
        bias=np.zeros(layer.n_out),
        activation="identity",
    )
    hidden = replace(run, inputs=np.ones((1, layer.n_cells)))
    return [made, _dense(config, dense, hidden, GATE_FRAC, strategy, held, out_frac=back_frac)]


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


def _dense(
    config: EngineConfig,
    layer: FloatLayer,
    run: _Calibrated,
    in_frac: int,
    strategy: str,
    held: NDArray[np.int64],
    *,
    out_frac: int | None = None,
) -> Layer:
    """A fully connected layer."""
    bits = int(np.frexp(np.abs(layer.bias).max())[1]) if layer.bias.any() else -MAX_FRAC
    weights = quantise(config, layer.weight, max_frac=min(MAX_FRAC, _BIAS_BITS - bits - in_frac))
    sum_frac = weights.weight_frac + in_frac
    if out_frac is None:
        out_frac = activation_frac(run.outputs, act_width=CELL_WIDTH, max_frac=min(30, sum_frac))
    activity = column_activity(run.inputs, in_frac, act_width=CELL_WIDTH)
    stored = weights.stored
    column, row = np.nonzero(stored.T)
    return Layer(
        name=layer.name,
        n_in=layer.n_in,
        n_out=layer.n_out,
        indptr=np.concatenate(([0], np.cumsum(stored.sum(axis=0)))),
        rows=row,
        codes=weights.codes[row, column],
        codebook=weights.codebook,
        bias=np.rint(layer.bias * 2.0**sum_frac).astype(np.int64),
        shift=sum_frac - out_frac,
        activation=layer.activation,
        weight_frac=weights.weight_frac,
        in_frac=in_frac,
        out_frac=out_frac,
        position=assign_rows(config, stored, strategy=strategy, activity=activity, held=held),
    )
