"""The one matrix of a layer that is reconstructed: dense layers' own, and the gates of cells.

A kind of layer is an entry of VIEWS. A projection of cells is left as pruning made it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.kinds.gates import stacked, unstacked
from elsie.compress.kinds.step import Quantised
from elsie.compress.model.conv import FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.layer import FloatLayer, Part, Reals
from elsie.compress.prune.even import Owners
from elsie.compress.quantise.kmeans import nearest
from elsie.compress.reconstruct.layer.alps import Groups
from golden.config import EngineConfig
from golden.kinds import GATE_FRAC, LayerKind


@dataclass(frozen=True, kw_only=True)
class View:
    """A kind of layer as one matrix."""

    read: Callable[[Any], Reals]
    """Weights (rows, columns + 1) of a layer; the last column is the bias."""
    write: Callable[[Any, Reals], FloatLayer]
    """A layer with such weights."""
    inputs: Callable[[Any, Reals], Reals]
    """What the columns are multiplied with, (..., columns), from the layer and its inputs."""
    sources: Callable[[Any], tuple[int, ...]]
    """How many columns each source of inputs has."""
    scales: Callable[[Any, Quantised, EngineConfig], Reals]
    """What each column is multiplied with before it is quantised, (columns,)."""
    settle: Callable[[Any, Reals, Quantised, EngineConfig], FloatLayer] = lambda layer, *_: layer
    """The layer with its other weights that share the alphabet set to values of the grid."""
    damping: float = 0.01
    """How strongly weights are held at the dense ones (layer.problem)."""
    rounds: int = 1
    """Times that it is done, because the inputs depend on the result."""


def labels(layer: FloatLayer, owners: Owners, *, per: str | None) -> tuple[Part, ...]:
    """Labels, instead of weights, of those that are pruned together; 0 where there is none.

    A group is a gate's matrix, or a PE's share of it, or one column of that (`per` "pe", "column");
    or the row of a part that is pruned by rows.
    """
    parts, used = [], 0
    for part, owner in zip(layer.parts(), owners, strict=True):
        matrices = []
        for matrix in part.matrices:
            gate, row, column = np.indices(matrix.shape)
            if part.by_row:
                matrices.append(np.where(matrix != 0, row + used + 1, 0).astype(np.float64))
                continue
            label = gate
            if owner is not None:
                label = label * (int(owner.max()) + 1) + owner[row]
                if per == "column":
                    label = label * matrix.shape[2] + column
            matrices.append(np.where(matrix != 0, label + used + 1, 0).astype(np.float64))
            used += int(label.max()) + 1
        parts.append(replace(part, matrices=tuple(matrices)))
    return tuple(parts)


def groups(layer: FloatLayer, view: View, owners: Owners, *, per: str | None) -> Groups:
    """The labels (rows, columns) of the one matrix."""
    labelled = layer.with_parts(labels(layer, owners, per=per))
    return view.read(labelled)[:, :-1].astype(np.int64)


def kept(layer: FloatLayer, view: View) -> NDArray[np.bool_]:
    """Which weights are not 0, (rows, columns)."""
    return view.read(layer)[:, :-1] != 0


def _write_dense(layer: FloatDense, weights: Reals) -> FloatDense:
    return replace(layer, weight=weights[:, :-1], bias=weights[:, -1])


def _read_cells(layer: FloatCells) -> Reals:
    inputs, back, bias = stacked(layer)
    return np.hstack((inputs, back, bias[:, None]))


def _cell_inputs(layer: FloatCells, x: Reals) -> Reals:
    """The inputs, and the outputs of the step before."""
    outputs = layer.run(x).outputs
    before = np.concatenate((np.zeros_like(outputs[:, :1]), outputs[:, :-1]), axis=1)
    return np.concatenate((x, before), axis=2)


def _cell_scales(layer: FloatCells, made: Quantised, _: EngineConfig) -> Reals:
    back_frac = GATE_FRAC if layer.projection is None else made.layers[1].out_frac
    back = np.full(layer.n_out, 2.0 ** (made.layers[0].in_frac - back_frac))
    return np.concatenate((np.ones(layer.n_in), back))


def _settle_cells(
    layer: FloatCells, grid: Reals, made: Quantised, config: EngineConfig
) -> FloatCells:
    """Peepholes: the grid's values, but 0 only where they are 0, as all have an entry."""
    if layer.peephole is None:
        return layer
    scale = 2.0 ** (made.layers[0].in_frac - config.state_frac)
    values = grid[grid != 0]
    if not values.size:
        return layer
    settled = values[nearest(layer.peephole * scale, values)] / scale
    return replace(layer, peephole=np.where(layer.peephole != 0, settled, 0.0))


_CELLS = View(
    read=_read_cells,
    write=unstacked,
    inputs=_cell_inputs,
    sources=lambda layer: (layer.n_in, layer.n_out),
    scales=_cell_scales,
    settle=_settle_cells,
    damping=0.05,  # chosen with the rounds on validate.npz of examples/speech
    rounds=3,
)

PLACES = 64
"""Places of a map that a layer on it is fitted to, of each sample: neighbours say much the same."""
ROWS = 20_000
"""Places of all samples together, about."""


def _read_conv(layer: FloatConv) -> Reals:
    """Kernels on all channels side by side; what is fixed or depthwise is no part of it."""
    matrices = [source.matrix for source in layer.mixing]
    return np.hstack((*matrices, layer.bias[:, None]))


def _write_conv(layer: FloatConv, weights: Reals) -> FloatConv:
    parts, begin = [], 0
    for source in layer.mixing:
        columns = source.matrix.shape[1]
        parts.append(weights[None, :, begin : begin + columns])
        begin += columns
    (part,) = layer.parts()
    kept = layer.with_parts((replace(part, matrices=tuple(parts)),)) if parts else layer
    return replace(kept, bias=weights[:, -1])


def _conv_inputs(layer: FloatConv, x: Reals) -> Reals:
    """What these kernels see, (samples, places, columns): at most PLACES of a map, or fewer."""
    h, w = layer.sources[0].size
    most = min(PLACES, max(1, ROWS // len(x)))
    places = np.random.default_rng(h * w).permutation(h * w)[:most]
    pairs = zip(layer.sources, layer.maps(x), strict=True)
    seen = [source.patches(one, places) for source, one in pairs if source.mixing]
    return np.concatenate((np.zeros((len(x), len(places), 0)), *seen), axis=2)


def _conv_scales(layer: FloatConv, made: Quantised, _: EngineConfig) -> Reals:
    pairs = zip(layer.sources, made.scales, strict=True)
    each = [np.full(source.matrix.shape[1], scale) for source, scale in pairs if source.mixing]
    return np.concatenate(each) if each else np.zeros(0)


VIEWS: Mapping[LayerKind, View] = {
    LayerKind.DENSE: View(
        read=lambda layer: np.hstack((layer.weight, layer.bias[:, None])),
        write=_write_dense,
        inputs=lambda _, x: x,
        sources=lambda layer: (layer.n_in,),
        scales=lambda layer, *_: np.ones(layer.n_in),
    ),
    LayerKind.LSTM: _CELLS,
    LayerKind.GRU: _CELLS,
    LayerKind.CONV: View(
        read=_read_conv,
        write=_write_conv,
        inputs=_conv_inputs,
        sources=lambda layer: tuple(source.matrix.shape[1] for source in layer.mixing),
        scales=_conv_scales,
    ),
}
