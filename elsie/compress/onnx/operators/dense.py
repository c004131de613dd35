"""ONNX operators of fully connected layers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.conv import FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.elementwise import scale, spread
from elsie.compress.onnx.operators.maps.functions import rectified
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, UNIT, Affine, Data

FUNCTIONS: Mapping[str, str] = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
"""Operators that end a fully connected layer, and its activation (elsie.compress.model.functions).
"""
_POSITIVE = ("relu", "sigmoid")
"""Activations behind which a Relu changes nothing."""


def matrix(importer: Importer, node: NodeProto, number: int = 1) -> NDArray[np.float64]:
    """A weight, input `number` of a node whose first is the data."""
    if not isinstance(importer.value(node, node.input[0]), Data):
        importer.refuse(node, "has its weight on the left; export it as input x weight")
    weight = importer.constant(node, number, "weight")
    if weight.ndim != 2:
        importer.refuse(node, f"has a weight of shape {weight.shape}; it must be a matrix")
    return weight


def _gemm(importer: Importer, node: NodeProto, data: Data) -> Data:
    given = attributes(node)
    weight = matrix(importer, node)
    if given.get("transA", 0):
        importer.refuse(node, "has transA=1, which mixes samples; export it with transA=0")
    if len(data.axes) != 2:
        importer.refuse(
            node,
            f"takes an input of rank {len(data.axes)}, and a Gemm takes (samples, features): put "
            f"a Flatten before it, or export it as MatMul",
        )
    weight = (weight if given.get("transB", 0) else weight.T) * given.get("alpha", 1.0)
    result = affine(importer, node, data, weight)
    if len(node.input) < 3 or not node.input[2]:
        return result
    bias = importer.constant(node, 2, "bias") * given.get("beta", 1.0)
    if bias.size not in (1, len(weight)) or bias.shape[:-1] not in ((), (1,)):
        importer.refuse(
            node,
            f"has a bias of shape {bias.shape}, but the layer has {len(weight)} outputs",
        )
    return scale(importer, node, result, factor=UNIT, plus=bias, what="bias")


def _matmul(importer: Importer, node: NodeProto, data: Data) -> Data:
    if np.ndim(importer.value(node, node.input[1])) != 1:
        return affine(importer, node, data, matrix(importer, node).T)
    result = affine(importer, node, data, importer.constant(node, 1, "weight")[None])
    return replace(result, axes=result.axes[:-1], affine=replace(result.affine, sizes=()))


def _einsum(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Of (samples, features) and a constant matrix: a MatMul, in either order."""
    sides = [importer.value(node, name) for name in node.input]
    number = next((n for n, side in enumerate(sides) if not isinstance(side, Data)), None)
    text = attributes(node)["equation"].decode().replace(" ", "")
    terms = text.replace("->", ",").split(",")
    if len(sides) != 2 or number is None or "->" not in text or len(terms) != 3:
        importer.refuse(node, _EINSUM)
    given, weight, made = terms[1 - number], terms[number], terms[2]
    if len({*given, *weight}) != 3 or [len(term) for term in terms] != [2, 2, 2]:
        importer.refuse(node, _EINSUM)
    batch, features = given
    if batch in weight or made != batch + weight.replace(features, ""):
        importer.refuse(node, _EINSUM)
    values = importer.constant(node, number, "weight")
    if values.ndim != 2:
        importer.refuse(node, f"has a weight of shape {values.shape}; it must be a matrix")
    return affine(importer, node, data, values if weight[1] == features else values.T)


_EINSUM = "is more than a product of (samples, features) and a constant matrix; export it as MatMul"


def affine(importer: Importer, node: NodeProto, data: Data, weight: NDArray[np.float64]) -> Data:
    """Weight (n_out, n_in) times the data."""
    if FEATURES not in data.axes and data.axes[-1:] == (ONE,):
        data = replace(
            data,
            axes=(*data.axes[:-1], FEATURES),
            affine=replace(data.affine, sizes=(1,)),
        )
    if data.axes[-1:] != (FEATURES,) or data.axes.count(FEATURES) > 1 or not data.sized(BATCH):
        importer.refuse(
            node,
            f"takes an input of rank {len(data.axes)} with axes ({', '.join(data.axes)}); a layer "
            f"takes (samples, features): put a Flatten before it, or export with a batch axis",
        )
    if not weight.size:
        importer.refuse(node, f"has an empty weight of shape {weight.shape}; export it again")
    if data.affine.n not in (None, weight.shape[1]):
        importer.refuse(
            node,
            f"takes {weight.shape[1]} features, but its input has {data.affine.n}; "
            f"export the model again",
        )
    if data.affine.matrix is not None and not data.affine.folds:
        data = importer.close(node, data, "identity")
    width = importer.width(data.stage) or weight.shape[1]
    rows, offset = data.affine.into(weight, width)
    result = Affine(sizes=(len(weight),), matrix=rows, offset=offset, node=node)
    return replace(data, affine=result)


def function(importer: Importer, node: NodeProto, data: Data, name: str) -> Data:
    """An activation function, at the end of a layer."""
    before = importer.layers[data.stage - 1] if data.stage else None
    behind = rectified(importer, data) if name == "relu" else None
    if behind is not None:
        return behind
    if name == "relu" and data.affine.plain and is_positive(before):
        return data
    if data.grids and name == "relu" and data.affine.plain and is_linear(before):
        # Rounding keeps 0 and the order, so that it may come first or last. The grid is noted again
        # so that no other node takes the values without the Relu.
        importer.check_stage(node, data)
        importer.layers[-1] = replace(before, activation="relu")
        return importer.snapped(data, data.grids[-1])
    return importer.close(node, data, name)


def is_linear(layer: FloatLayer | None) -> TypeGuard[FloatDense | FloatConv]:
    """Fully connected or on maps, without an activation function."""
    return isinstance(layer, FloatDense | FloatConv) and layer.activation == "identity"


def is_positive(layer: FloatLayer | None) -> bool:
    """Its outputs are at least 0."""
    return isinstance(layer, FloatDense | FloatConv) and layer.activation in _POSITIVE


def _function(importer: Importer, node: NodeProto, data: Data) -> Data:
    return function(importer, node, data, FUNCTIONS[node.op_type])


def _largest(importer: Importer, node: NodeProto, data: Data) -> Data:
    """A Softmax or its like at the end, over the features."""
    old = -1 if importer.graph.opset >= 13 else 1
    axis = attributes(node).get("axis", 0 if node.op_type == "ArgMax" else old)
    importer.check_axis(node, data, axis)
    importer.drop(node)
    return data


def _limits(importer: Importer, node: NodeProto, data: Data) -> tuple[Data, Any, Any]:
    """Lower and upper limits of a Clip, Max or Min; None where there is none."""
    given = attributes(node)
    if node.op_type != "Clip":
        sides = [importer.value(node, name) for name in node.input]
        numbers = [n for n, side in enumerate(sides) if not isinstance(side, Data)]
        if len(numbers) < len(sides) - 1:
            importer.refuse(
                node, "compares two values of the data, which no layer does; train without it"
            )
        values = [importer.constant(node, n, "limit") for n in numbers]
        best = np.maximum if node.op_type == "Max" else np.minimum
        if not values:
            return data, None, None
        limit = values[0]
        for value in values[1:]:
            limit = best(limit, value)
        data, limit = spread(importer, node, data, limit, "limit")
        return (data, limit, None) if node.op_type == "Max" else (data, None, limit)
    found: list[Any] = []
    for number, name in ((1, "min"), (2, "max")):
        raw: Any = given.get(name)
        if len(node.input) > number and node.input[number]:
            raw = importer.value(node, node.input[number])
            if np.size(raw) != 1 or np.isfinite(np.ravel(raw)).all():
                raw = importer.constant(node, number, "limit")
        limit = None if raw is None else np.float64(np.ravel(raw)[0])
        if limit is not None and (np.isnan(limit) or limit * (3 - 2 * number) > 1e38):
            importer.refuse(node, f"has the limit {limit}; export the model again")
        # Exporters write the widest float for none.
        found.append(None if limit is None or abs(limit) > 1e38 else limit)
    return data, found[0], found[1]


def _clip(importer: Importer, node: NodeProto, data: Data) -> Data:
    return clip(importer, node, *_limits(importer, node, data))


def clip(importer: Importer, node: NodeProto, data: Data, low: Any, high: Any) -> Data:
    """Limits by Relu: max(x, a) = relu(x - a) + a, and min(x, b) = b - relu(b - x); or None."""
    if low is not None:
        data = replace(data, affine=data.affine.scaled(UNIT, -low, node))
        data = function(importer, node, data, "relu")
        data = replace(data, affine=data.affine.scaled(UNIT, low, node)) if np.any(low) else data
    if high is not None:
        data = replace(data, affine=data.affine.scaled(-UNIT, high, node))
        data = function(importer, node, data, "relu")
        data = replace(data, affine=data.affine.scaled(-UNIT, high, node))
    return data


DENSE: Mapping[str, Handler] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Einsum": _einsum,
    **dict.fromkeys(FUNCTIONS, _function),
    **dict.fromkeys(("Clip", "Max", "Min"), _clip),
    **dict.fromkeys(("Softmax", "LogSoftmax", "ArgMax"), _largest),
}
"""By operator name."""
