"""What a compiled recurrent network reports about itself: sizes and accuracies."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elsie.compress.checks import parameters
from elsie.compress.model.cells import FloatCells
from elsie.compress.model.model import AnyLayer, FloatLayer, Model
from elsie.compress.report import check_labels, check_real, ratio
from golden.arithmetic import layers
from golden.arithmetic.run import predict
from golden.arithmetic.sequences import check_lengths
from golden.errors import ElsieError
from golden.format import csc, layout
from golden.format.address_map import layer_nonzeros
from golden.format.layer import Layer, locate, locate_rows
from golden.format.network import Network
from golden.kinds import GATE_FRAC, LayerKind


def check_sequences(model: Model, x: ArrayLike, *, what: str) -> None:
    """Raise ElsieError unless x is (samples >= 1, steps >= 1, n_in) of finite numbers."""
    try:
        real = np.asarray(x)
    except ValueError:
        raise ElsieError(
            f"{what} has sequences of different lengths; pad them to (samples, steps, "
            f"{model.n_in}) and give the lengths"
        ) from None
    if real.ndim != 3 or real.shape[2] != model.n_in:
        raise ElsieError(
            f"{what} has shape {real.shape}, but model {model.name} takes (samples, steps, "
            f"{model.n_in})"
        )
    check_real(real, what=what)


def check_evaluation(
    model: Model, x: ArrayLike, lengths: ArrayLike | None, labels: ArrayLike
) -> None:
    """Raise ElsieError unless x and lengths are sequences, and labels (samples,) classes."""
    real = np.asarray(x)
    check_sequences(model, real, what="evaluation data")
    check_lengths(lengths, samples=len(real), steps=real.shape[1])
    if model.head is None:
        raise ElsieError(
            f"evaluation data: model {model.name} has an output in every step, and no class for a "
            f"whole sequence; leave out the evaluation"
        )
    check_labels(model, real, labels)


def accuracies(
    network: Network,
    *,
    model: Model,
    pruned: Sequence[AnyLayer],
    x: ArrayLike,
    lengths: ArrayLike | None,
    labels: ArrayLike,
) -> dict[str, float]:
    """Percent of sequences whose largest output after the last step is the label.

    float: the model as it came. pruned: float weights after pruning. quantised: the weights that
    the codes stand for, in float. golden: the integer arithmetic of the engine, and its delta.
    """
    real, classes = np.asarray(x, dtype=np.float64), np.asarray(labels)
    thin = Model(name=model.name, layers=tuple(pruned), head=model.head)
    scores = {
        "float": model.predict(real, lengths),
        "pruned": thin.predict(real, lengths),
        "quantised": dequantised(network).predict(real, lengths),
        "golden": predict(network, real, lengths),
    }
    return {
        name: round(100.0 * float(np.mean(found.argmax(axis=1) == classes)), 3)
        for name, found in scores.items()
    }


def report(network: Network, *, model: Model, pruned: Sequence[AnyLayer]) -> dict[str, Any]:
    """`layers`, `size_bits` {dense, stored} and `compression_ratio`, as in elsie.compress.report.

    A projection is a layer of its own. `lost` of a layer: weights that the layer's common scale
    made 0. stored: entries with padding and peepholes, a pointer for every column in every PE,
    codebooks, and every group's biases.
    """
    config, layers = network.config, network.layers
    found = [
        {
            "name": one.name,
            "kind": one.kind.value,
            **_entries(network, one),
            "lost": count - one.nnz,
        }
        for one, count in zip(layers, _nonzeros(pruned), strict=True)
    ]
    peepholes = sum(
        3 * (int(locate(config, layer.position)[1].max()) + 1) * config.pes
        for layer in layers
        if layer.peepholes
    )
    entries = sum(one["entries"] for one in found) + peepholes
    stored = (
        entries * layout.entry_word_width(config) // config.entry_lanes
        + config.column_depth * config.pes * layout.width(layout.pointer(config))
        + sum(layer.codebook.size for layer in layers) * config.weight_width
        + config.bias_depth * config.groups * config.acc_width
    )
    dense = 32 * sum(values.size for layer in model.layers for values in parameters(layer))
    return {"layers": found, **ratio(dense, stored)}


def _entries(network: Network, layer: Layer) -> dict[str, Any]:
    """A layer's figures."""
    config = network.config
    pe, _ = locate_rows(config, layer)
    own = np.bincount(pe[layer.rows], minlength=config.pes)
    nonzeros = layer_nonzeros(config, layer, np.arange(layer.n_columns))
    stored = csc.encode(config, nonzeros, columns=layer.n_columns).count.sum(axis=1)
    # A GRU's fourth row of a cell is the recurrent half of the third.
    size = (3 if layer.kind is LayerKind.GRU else layer.kind.gates) * layer.n_out
    return {
        "density": round(layer.nnz / (size * layer.n_columns), 6),
        "nnz": layer.nnz,
        "entries": int(stored.sum()),
        "padding": int((stored - own).sum()),
        "entries_per_pe": stored.tolist(),
    }


def _nonzeros(layers: Sequence[AnyLayer]) -> list[int]:
    """Non-zeros of each layer of the network, which a projection is too."""
    found = []
    for layer in layers:
        found.append(int(np.count_nonzero(layer.weight)))
        if isinstance(layer, FloatCells):
            found[-1] += int(np.count_nonzero(layer.recurrent))
            if layer.projection is not None:
                found.append(int(np.count_nonzero(layer.projection)))
    return found


def dequantised(network: Network) -> Model:
    """The float model of what a network's codes and biases stand for."""
    layers: list[AnyLayer] = []
    every = network.layers
    for number, layer in enumerate(every):
        if number and every[number - 1].projected:
            continue
        if layer.kind is LayerKind.DENSE:
            layers.append(_dense(network, layer))
        else:
            layers.append(_cells(network, layer, every[number + 1] if layer.projected else None))
    head = network.head
    if head is not None:
        head -= sum(layer.projected for layer in every[:head])
    return Model(name=network.name, layers=tuple(layers), head=head)


def _dense(network: Network, layer: Layer) -> FloatLayer:
    return FloatLayer(
        name=layer.name,
        weight=layers.dense_weights(layer, network).T * 2.0**-layer.weight_frac,
        bias=np.ldexp(layer.bias.astype(np.float64), -(layer.weight_frac + layer.in_frac)),
        activation=layer.activation,
    )


def _cells(network: Network, layer: Layer, projection: Layer | None) -> FloatCells:
    """A layer of cells; its rows are those of gates i, f, g, o, or z, r, and n's two halves."""
    n, frac = layer.n_out, layer.weight_frac + layer.in_frac
    back_frac = GATE_FRAC if projection is None else projection.out_frac
    matrix = layers.dense_weights(layer, network).T.reshape(4, n, -1)
    inputs = matrix[:, :, : layer.n_in] * 2.0**-layer.weight_frac
    back = matrix[:, :, layer.n_in :] * 2.0 ** (back_frac - frac)
    bias = np.ldexp(layer.bias.astype(np.float64), -frac).reshape(4, n)
    gru, peephole = layer.kind is LayerKind.GRU, None
    if layer.peepholes:
        look = layer.decode(network.config, layer.peephole)
        peephole = np.ldexp(look.T.astype(np.float64), network.config.state_frac - frac)
    return FloatCells(
        name=layer.name,
        kind=layer.kind,
        weight=inputs[:3] if gru else inputs,
        recurrent=back[[0, 1, 3]] if gru else back,
        bias=bias[:3] if gru else bias,
        bias_recurrent=bias[3] if gru else None,
        peephole=peephole,
        projection=None if projection is None else _dense(network, projection).weight,
    )
