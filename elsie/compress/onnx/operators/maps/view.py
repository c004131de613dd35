"""Plain data as a map: which channels of a layer's outputs they are, scaled and shifted."""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.onnx.importer import Again, Importer
from elsie.compress.onnx.operators.maps.form import Map, Shape, Term, identity, is_fixed, made
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, Affine, Data, Reals

_NAMES = ("channels", "rows", "columns")


def view(importer: Importer, node: NodeProto, data: Data) -> Map:
    """Data as a map that folds, unless they are a map already; refused if they are none."""
    if isinstance(data, Map):
        return data
    if data.form:  # zeros around it, or another form
        real = data.linear(importer, node)
        if real is None:
            importer.refuse(node, f"takes {data.why}")
        return view(importer, node, real)
    if data.grids != importer.grids.get(data.stage, ()):
        importer.refuse(
            node,
            "takes values from before a rounding, and other nodes from behind it; export the "
            "float model",
        )
    dims = _dims(importer, node, data)
    shape, affine = _shape(importer, node, data, dims), data.affine
    places = np.arange(prod(dims)) if affine.index is None else affine.index
    order, channels = _channels(importer, node, places.reshape(dims), shape)
    scale, offset = (_by_channel(importer, node, v, dims, order) for v in parts(affine))
    term = identity(data.stage, shape, scale)
    if not np.array_equal(channels, np.arange(shape[0])):
        weight = np.zeros((len(channels), shape[0], 1, 1))
        weight[np.arange(len(channels)), channels, 0, 0] = scale
        term = Term(
            stage=data.stage, source=ConvSource(weight=weight, shape=shape, fixed=is_fixed(scale))
        )
    seen = (len(channels), shape[1], shape[2])
    return made(affine.node, (term,), offset, shape=seen, order=order, folds=True)


def parts(affine: Affine) -> tuple[Reals, Reals]:
    """Scale and offset of each value, shape (n,)."""
    n = affine.n
    assert n is not None
    return np.broadcast_to(affine.scale, n), np.broadcast_to(affine.offset, n)


def _dims(importer: Importer, node: NodeProto, data: Data) -> tuple[int, ...]:
    """Sizes of the axes behind the samples."""
    if data.axes[0] != BATCH or any(axis not in (FEATURES, ONE) for axis in data.axes[1:]):
        importer.refuse(
            node,
            f"takes an input with axes ({', '.join(data.axes)}), and maps have (samples, channels, "
            f"rows, columns), without steps of LSTM or GRU layers; export it that way",
        )
    if data.affine.sizes is None:
        importer.refuse(
            node, "takes maps whose size the file leaves open; export it with fixed sizes"
        )
    if len(data.axes) not in (2, 3, 4):
        importer.refuse(
            node,
            f"takes an input of rank {len(data.axes)}, and maps have 3 (samples, channels, steps) "
            f"or 4 axes; export it that way",
        )
    return importer.dims(data, {BATCH: 1})[1:]


def _shape(importer: Importer, node: NodeProto, data: Data, dims: tuple[int, ...]) -> Shape:
    """Of the map that a stage gives; the inputs are what they are first used as."""
    if data.affine.matrix is not None:
        importer.refuse(node, _DENSE)
    if data.stage:
        layer = importer.layers[data.stage - 1]
        if not isinstance(layer, FloatConv):
            importer.refuse(node, _DENSE)
        return layer.shape
    if importer.input_map is None:
        n = importer.inputs or 0
        places = np.arange(n) if data.affine.index is None else data.affine.index
        if not np.array_equal(np.sort(places), np.arange(n)):
            dims, places = _all_inputs(importer, places.reshape(dims))
        if importer.layers or len(dims) > 3:
            importer.refuse(
                node,
                "takes the inputs as a map, and other nodes do not; export one network of both",
            )
        channels, rows, columns = (*dims, 1, 1)[:3]
        if rows == 1:  # one dimension has its steps as rows
            rows, columns = columns, rows
        importer.input_map = (channels, rows, columns)
        if not np.array_equal(places, np.arange(n)):
            importer.reorder(places)
            raise Again
    return importer.input_map


def _all_inputs(
    importer: Importer, some: NDArray[np.int64]
) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """Sizes and places of the map that some channels are of: with channels first or last."""
    sizes = tuple(size or 1 for size in (importer.graph.shape or ())[1:])
    first = np.arange(prod(sizes)).reshape(sizes)
    last = np.moveaxis(first, -1, 0)
    for found in (last, first):
        places = found.ravel()
        within = np.argsort(places)[some].reshape(len(some), -1) % prod(found.shape[1:])
        if (
            within.shape[1] == prod(found.shape[1:])
            and (within == np.arange(within.shape[1])).all()
        ):
            return found.shape, places
    return first.shape, first.ravel()


_DENSE = (
    "takes outputs of a fully connected layer as a map, which no layer does; put fully connected "
    "layers behind the convolutions"
)


def _channels(
    importer: Importer, node: NodeProto, places: NDArray[np.int64], shape: Shape
) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """What each axis is (channels 0, rows 1, columns 2), and the channel at each of its places."""
    each = np.unravel_index(places, shape)
    order: list[int | None] = []
    for axis, size in enumerate(places.shape):
        varies = [n for n in range(3) if (each[n] != each[n].take([0], axis=axis)).any()]
        if len(varies) > 1:
            importer.refuse(node, _MIXED)
        again = 0 if size > 1 else None  # one channel, several times
        order.append(varies[0] if varies else again)
    known = [n for n in order if n is not None]
    rest = iter([n for n in range(3) if n not in known])
    order = [next(rest, None) if n is None else n for n in order]
    if len(set(known)) < len(known) or None in order:
        importer.refuse(node, _MIXED)
    lines = {n: _line(each[n], axis) for axis, n in enumerate(order) if n is not None}
    for n in (1, 2):
        if not np.array_equal(lines.get(n, np.array([each[n].flat[0]])), np.arange(shape[n])):
            importer.refuse(node, f"takes a part of a map's {_NAMES[n]}, or turns them; {_WAY}")
    named = tuple(n for n in order if n is not None)
    return named, lines.get(0, np.array([each[0].flat[0]]))


_WAY = "export the model without it"
_MIXED = (
    "takes a map whose channels, rows and columns were mixed by what comes before it (Reshape, "
    "Slice, Expand); export the model without it"
)


def _line(values: NDArray[Any], axis: int) -> NDArray[Any]:
    return np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])[0]


def _by_channel(
    importer: Importer, node: NodeProto, values: Reals, dims: tuple[int, ...], order: tuple
) -> Reals:
    """One number for each channel, from one for each value."""
    found = by_channel(values, dims, order)
    if found is None:
        importer.refuse(
            node,
            "takes a map that is scaled or shifted by another number at each place, and a layer "
            "does the same at all places of a channel; normalise the data before the model",
        )
    return found


def by_channel(values: Reals, dims: tuple[int, ...], order: tuple[int, ...]) -> Reals | None:
    """The same; None if places of a channel differ."""
    full = np.broadcast_to(values, prod(dims)).reshape(dims)
    if 0 not in order:
        lines = full.reshape(1, -1)
    else:
        axis = order.index(0)
        lines = np.moveaxis(full, axis, 0).reshape(dims[axis], -1)
    return np.array(lines[:, 0]) if (lines == lines[:, :1]).all() else None


def selected(data: Data, factor: Reals, plus: Reals, order: tuple[int, ...]) -> Data:
    """Plain data times `factor`, plus `plus`, each one number a channel."""
    sizes = iter(data.affine.sizes or ())
    dims = tuple(next(sizes) if axis == FEATURES else 1 for axis in data.axes[1:])
    shape = [1] * len(dims)
    if 0 in order:
        shape[order.index(0)] = -1
    each = [np.broadcast_to(v.reshape(shape), dims).ravel() for v in (factor, plus)]
    affine = data.affine
    scale, offset = affine.scale * each[0], affine.offset * each[0] + each[1]
    return replace(data, affine=replace(affine, scale=scale, offset=offset))
