"""What moves, pads, scales and shifts maps."""

from collections.abc import Mapping

import numpy as np
from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.axes import move
from elsie.compress.onnx.operators.elementwise import ELEMENTWISE
from elsie.compress.onnx.operators.maps.form import Map, close
from elsie.compress.onnx.operators.maps.padded import Padded, pad, padded
from elsie.compress.onnx.operators.maps.view import by_channel, view
from elsie.compress.onnx.operators.quantised import QUANTISED
from elsie.compress.onnx.values import BATCH, Affine, Data, Stack


def _turn(importer: Importer, node: NodeProto, data: Data) -> Data | None:
    """Transpose, as tf2onnx puts it around convolutions."""
    perm = attributes(node).get("perm", list(range(len(data.axes)))[::-1])
    whole = sorted(perm) == list(range(len(data.axes))) and perm[0] == 0
    if isinstance(data, Map) and whole:
        return data.turned(tuple(data.order[n - 1] for n in perm[1:]))
    if isinstance(data, Padded) and whole:
        inner = _moved(importer, node, data.inner)
        return padded(importer, node, inner, [data.pads[n - 1] for n in perm[1:]])
    if data.form:
        return importer.settle(node, data)
    return move(importer, node, data)


def _moved(importer: Importer, node: NodeProto, data: Data) -> Data:
    """A Transpose of what is inside pads."""
    if isinstance(data, Map):
        found = _turn(importer, node, data)
        assert found is not None
        return found
    importer.values[node.input[0]] = data
    move(importer, node, data)
    return importer.values[node.output[0]]


def scaled(importer: Importer, node: NodeProto, data: Data) -> Data | Stack | None:
    """Scales, shifts and casts by constants: of each channel, or as they are of plain data."""
    plain = ELEMENTWISE[node.op_type]
    if not isinstance(data, Map):
        return plain(importer, node, data)
    values = data.real(affine=Affine(sizes=data.affine.sizes, node=data.affine.node))
    found = plain(importer, node, values)
    assert isinstance(found, Data)
    dims = importer.dims(data, {BATCH: 1})[1:]
    each = [by_channel(v, dims, data.order) for v in (found.affine.scale, found.affine.offset)]
    scale, offset = each
    if scale is None or offset is None or found.axes != data.axes or 0 not in data.order:
        return importer.settle(node, data)
    return data.scaled(scale, offset)


def same(importer: Importer, node: NodeProto, data: Data) -> Data | Stack | None:
    """Identity."""
    return data if data.form else move(importer, node, data)


def _quantise(importer: Importer, node: NodeProto, data: Data) -> Data | Stack | None:
    """QuantizeLinear of outputs of a layer on maps: without scales or shifts in between."""
    found = view(importer, node, data)
    if isinstance(data, Map) or found.bias.any() or not _is_plain(found):
        data = close(importer, node, found)
    return QUANTISED["QuantizeLinear"](importer, node, data)


def _is_plain(data: Map) -> bool:
    """Channels of one layer as they are."""
    weights = data.terms[0].source.weight
    return len(data.terms) == 1 and bool(np.all((weights == 0) | (weights == 1)))


MAP_MOVES: Mapping[str, Handler] = {
    **dict.fromkeys(("Pad", "map Pad", "padded Pad"), pad),
    **dict.fromkeys(("map Transpose", "padded Transpose"), _turn),
    **{f"map {kind}": scaled for kind in ("Neg", "Cast", "CastLike", "Dropout")},
    "map BatchNormalization": scaled,
    "map QuantizeLinear": _quantise,
    **dict.fromkeys(("map Identity", "padded Identity"), same),
}
"""By operator name, behind the form of the data that it takes."""
