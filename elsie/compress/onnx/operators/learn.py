"""Operators of scikit-learn's exports (domain ai.onnx.ml)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import NodeProto

from elsie.compress.onnx.file import attributes
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.operators.dense import affine, function
from elsie.compress.onnx.operators.elementwise import scale
from elsie.compress.onnx.values import UNIT, Data


def _scaler(importer: Importer, node: NodeProto, data: Data) -> Data:
    """(x - offset) * scale."""
    given = attributes(node)
    factor = np.array(given.get("scale", [1.0]), dtype=np.float64)
    offset = np.array(given.get("offset", [0.0]), dtype=np.float64)
    return scale(importer, node, data, factor=factor, plus=-offset * factor, what="scale")


def _linear(importer: Importer, node: NodeProto, data: Data, *, rows: int) -> tuple[Any, Any]:
    """Weight (rows, features) and bias (rows,) in the attributes."""
    given = attributes(node)
    flat = np.array(given["coefficients"], dtype=np.float64)
    if rows < 1 or not flat.size or flat.size % rows:
        importer.refuse(node, f"has {flat.size} coefficients for {rows} outputs; export it again")
    bias = np.array(given.get("intercepts") or [0.0] * rows, dtype=np.float64)
    if bias.size != rows:
        importer.refuse(node, f"has {bias.size} intercepts for {rows} outputs; export it again")
    if data.affine.n not in (None, flat.size // rows):
        importer.refuse(
            node, f"takes {flat.size // rows} features, but its input has {data.affine.n}"
        )
    return flat.reshape(rows, -1), bias


def _transform(importer: Importer, node: NodeProto, allowed: tuple[str, ...]) -> str:
    name = attributes(node).get("post_transform", b"NONE").decode()
    if name not in allowed:
        importer.refuse(node, f"has post_transform {name}; only {', '.join(allowed)} can be used")
    return name


def _classifier(importer: Importer, node: NodeProto, data: Data) -> None:
    given = attributes(node)
    if importer.graph.used(node.output[0]):
        importer.refuse(
            node,
            "gives labels, which a network does not compute; choose its scores or "
            "probabilities with --output NAME",
        )
    if data.stage < len(importer.layers):
        importer.refuse(
            node,
            "is one of several classifiers side by side (one against the rest), which are not "
            "joined; train one that has all classes: LogisticRegression or MLPClassifier",
        )
    classes = given.get("classlabels_ints") or given.get("classlabels_strings") or []
    flat = len(given["coefficients"])
    one = len(classes) == 2 and flat == data.affine.n
    rows = 1 if one else len(classes)
    weight, bias = _linear(importer, node, data, rows=rows)
    if one:  # the first class has the opposite score
        weight, bias = np.concatenate((-weight, weight)), np.concatenate((-bias, bias))
    name = _transform(importer, node, ("NONE", "LOGISTIC", "SOFTMAX"))
    result = affine(importer, node, data, weight)
    result = scale(importer, node, result, factor=UNIT, plus=bias, what="intercept")
    if name == "LOGISTIC":
        result = function(importer, node, result, "sigmoid")
    elif name == "SOFTMAX":
        importer.drop(node, "the softmax of ")
    importer.classes = True
    importer.values[node.output[1]] = result


def _regressor(importer: Importer, node: NodeProto, data: Data) -> Data:
    _transform(importer, node, ("NONE",))
    rows = attributes(node).get("targets", 1)
    weight, bias = _linear(importer, node, data, rows=rows)
    result = affine(importer, node, data, weight)
    return scale(importer, node, result, factor=UNIT, plus=bias, what="intercept")


def _normalizer(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Divides a sample's values by one positive number, which keeps their order."""
    importer.drop(node)
    return data


def _same(importer: Importer, node: NodeProto, data: Data) -> Data:
    """ZipMap gives the same values with the names of the classes."""
    return data


LEARN: Mapping[str, Handler] = {
    "ai.onnx.ml.Scaler": _scaler,
    "ai.onnx.ml.LinearClassifier": _classifier,
    "ai.onnx.ml.LinearRegressor": _regressor,
    "ai.onnx.ml.Normalizer": _normalizer,
    "ai.onnx.ml.ZipMap": _same,
}
"""By operator name, with the domain."""
