"""What ends a layer on maps: Relu, and a Clip behind it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import NodeProto

from elsie.compress.model.conv import FloatConv
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.maps.form import Map, close
from elsie.compress.onnx.operators.maps.view import parts, view
from elsie.compress.onnx.values import Data

_FUNCTION = (
    "stands behind a convolution, where only Relu and Clip from 0 are possible; train with Relu or "
    "ReLU6"
)


def relu(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Relu of a map: the end of its layer, or a part of the layer before."""
    if isinstance(data, Map):
        return close(importer, node, data, "relu")
    return rectified(importer, data) or close(importer, node, _own(importer, node, data), "relu")


def rectified(importer: Importer, data: Data) -> Data | None:
    """Relu of outputs of a layer on maps by that layer; None if it cannot be."""
    layer = importer.layers[data.stage - 1] if data.stage else None
    affine = data.affine
    if not isinstance(layer, FloatConv) or affine.matrix is not None or affine.n is None:
        return None
    scale, offset = parts(affine)
    if layer.activation == "relu" and np.all(scale >= 0) and np.all(offset >= 0):
        return data
    linear = layer.activation == "identity" and layer.limit is None
    if not linear or np.any(scale <= 0) or np.any(offset) or not importer.sole(data.stage):
        return _folded(importer, data) if linear else None
    importer.layers[data.stage - 1] = replace(layer, activation="relu")
    return data


def _folded(importer: Importer, data: Data) -> Data | None:
    """Scales and shifts of the channels in the layer itself, before its Relu."""
    layer = importer.layers[data.stage - 1]
    assert isinstance(layer, FloatConv)
    if len(data.axes) < 3 or not importer.sole(data.stage):
        return None
    found = view(importer, importer.graph.nodes[-1], data)
    (term,) = found.terms
    scale = term.source.weight[:, 0, 0, 0]
    whole = term.source.groups == len(scale) == len(layer.bias)
    averages = any(source.fixed for source in layer.sources)
    if not whole or averages or (layer.pool != (1, 1) and np.any(scale <= 0)):
        return None
    sources = tuple(
        replace(source, weight=source.weight * scale[:, None, None, None])
        for source in layer.sources
    )
    importer.layers[data.stage - 1] = replace(
        layer, sources=sources, bias=layer.bias * scale + found.bias, activation="relu"
    )
    affine = replace(data.affine, scale=np.array(1.0), offset=np.array(0.0))
    return replace(data, affine=affine)


def _own(importer: Importer, node: NodeProto, data: Data) -> Map:
    """A layer for a function alone."""
    found = view(importer, node, data)
    importer.own_layer(node, "channel")
    return replace(found, affine=replace(found.affine, node=node))


def _clip(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Clip from 0, or Max and Min with a constant."""
    low, high = _limits(importer, node)
    if low is not None and low != 0:
        importer.refuse(node, f"has the lower limit {low:g}; {_LIMITS}")
    if low is None and not (high is not None and _positive(importer, data)):
        importer.refuse(node, f"has no lower limit; {_LIMITS}")
    if high is not None and high <= 0:
        importer.refuse(node, f"has the upper limit {high:g}; {_LIMITS}")
    found = relu(importer, node, data) if low is not None else data
    return found if high is None else _limited(importer, node, found, high)


_LIMITS = "behind a convolution, values can be limited from 0 to a positive number only"


def _limits(importer: Importer, node: NodeProto) -> tuple[float | None, float | None]:
    if node.op_type != "Clip":
        sides = [importer.value(node, name) for name in node.input]
        numbers = [n for n, side in enumerate(sides) if not isinstance(side, Data)]
        if len(numbers) != 1 or len(sides) != 2:
            importer.refuse(
                node, "compares two values of the data, which no layer does; train without it"
            )
        limit = _number(importer, node, importer.constant(node, numbers[0], "limit"))
        return (limit, None) if node.op_type == "Max" else (None, limit)
    ends = []
    for number, name in ((1, "min"), (2, "max")):
        raw: Any = attributes(node).get(name)
        if len(node.input) > number and node.input[number]:
            raw = importer.value(node, node.input[number])
            if np.asarray(raw).dtype.kind not in "biuf" or np.isfinite(raw).all():
                raw = importer.constant(node, number, "limit")
        limit = None if raw is None else _number(importer, node, np.asarray(raw, np.float64))
        # Exporters write the widest float for none.
        ends.append(None if limit is None or abs(limit) > 1e38 else limit)
    return ends[0], ends[1]


def _number(importer: Importer, node: NodeProto, value: Any) -> float:
    if value.size != 1 or np.isnan(value).any():
        importer.refuse(node, f"has limits of shape {value.shape}; {_LIMITS}")
    return float(value.ravel()[0])


def _positive(importer: Importer, data: Data) -> bool:
    """No value is below 0."""
    layer = importer.layers[data.stage - 1] if data.stage else None
    if data.form or not isinstance(layer, FloatConv) or layer.activation != "relu":
        return False
    return all(bool(np.all(v >= 0)) for v in parts(data.affine))


def _limited(importer: Importer, node: NodeProto, data: Data, high: float) -> Data:
    """The least of a positive map and a number."""
    layer = importer.layers[data.stage - 1]
    scale, offset = parts(data.affine)
    even = bool(np.all(scale == scale[0])) and scale[0] > 0 and not offset.any()
    if isinstance(layer, FloatConv) and even and importer.sole(data.stage):
        limit = high / float(scale[0])
        limit = limit if layer.limit is None else min(limit, layer.limit)
        importer.layers[data.stage - 1] = replace(layer, limit=limit)
        return data
    return close(importer, node, _own(importer, node, data), "relu", limit=high)


def _refused(importer: Importer, node: NodeProto, data: Data) -> Data:
    del data
    importer.refuse(node, _FUNCTION)


def finish(importer: Importer, data: Data) -> Data | None:
    """The output as it is, where it is a map with scales or shifts, or moved; else None."""
    if not importer.is_map(data):
        return None
    node = next(n for n in importer.graph.nodes if importer.graph.output in n.output)
    found = view(importer, node, data)
    if found.order != tuple(sorted(found.order)):
        importer.refuse(
            node,
            "gives a map whose channels are not first, and no layer moves values; export the model "
            "without the last Transpose",
        )
    return close(importer, node, found)


MAP_FUNCTIONS: Mapping[str, Handler] = {
    "map Relu": relu,
    **{f"map {kind}": _clip for kind in ("Clip", "Max", "Min")},
    **{
        f"map {kind}": _refused
        for kind in ("Tanh", "Sigmoid", "LeakyRelu", "PRelu", "Abs", "HardSigmoid")
    },
}
"""By operator name, behind the form of the data that it takes."""
