"""Operators of scikit-learn's exports (domain ai.onnx.ml)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes, describe
from elsie.compress.onnx.operators.dense import affine, function
from elsie.compress.onnx.operators.elementwise import scale
from elsie.compress.onnx.operators.scores import order
from elsie.compress.onnx.values import FEATURES, UNIT, Data


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


def _support(importer: Importer, node: NodeProto, data: Data) -> Data:
    """An SVM for a value, of a linear kernel: the sum of its vectors."""
    given = attributes(node)
    if given.get("kernel_type", b"LINEAR") != b"LINEAR" or given.get("one_class", 0):
        importer.refuse(
            node, "has a kernel that is not linear; train a fully connected network, or LinearSVR"
        )
    _transform(importer, node, ("NONE",))
    weight = np.array([given["coefficients"]], dtype=np.float64)
    if given.get("n_supports", 0):
        vectors = np.array(given["support_vectors"], dtype=np.float64)
        if weight.size != given["n_supports"] or vectors.size % weight.size:
            importer.refuse(node, "has support vectors of a wrong number; export it again")
        weight = weight @ vectors.reshape(weight.size, -1)
    result = affine(importer, node, data, weight)
    bias = np.array(given["rho"][:1], dtype=np.float64)
    return scale(importer, node, result, factor=UNIT, plus=bias, what="rho")


def _extractor(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Some of the features."""
    if not isinstance(importer.value(node, node.input[0]), Data):
        importer.refuse(
            node,
            "looks labels up, which a network does not compute; choose the scores or "
            "probabilities with --output NAME",
        )
    index = importer.constant(node, 1, "index").astype(np.int64).ravel()
    n = data.affine.n
    if n is None or data.axes[-1:] != (FEATURES,) or data.axes.count(FEATURES) > 1:
        importer.refuse(node, "chooses features whose number is open; export it with their number")
    if not index.size or index.min() < 0 or index.max() >= n:
        importer.refuse(node, f"chooses features that there are not among {n}; export it again")
    return replace(data, affine=data.affine.moved(index, (len(index),)))


def _imputer(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Nothing, as long as only NaN is replaced: the engine's inputs are numbers."""
    if not np.isnan(attributes(node).get("replaced_value_float", 0.0)):
        importer.refuse(node, "replaces a number by another; do that before the model")
    importer.notes.append(
        f"{describe(node)} was dropped: it replaces missing values, and an engine's inputs are "
        f"numbers"
    )
    return data


def _normalizer(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Divides a sample's values by one positive number, which keeps their order."""
    return data if importer.dropped else order(importer, node, data)


def _same(importer: Importer, node: NodeProto, data: Data) -> Data:
    """ZipMap gives the same values with the names of the classes."""
    return data


LEARN: Mapping[str, Handler] = {
    "ai.onnx.ml.ArrayFeatureExtractor": _extractor,
    "ai.onnx.ml.Imputer": _imputer,
    "ai.onnx.ml.SVMRegressor": _support,
    "ai.onnx.ml.Scaler": _scaler,
    "ai.onnx.ml.LinearClassifier": _classifier,
    "ai.onnx.ml.LinearRegressor": _regressor,
    "ai.onnx.ml.Normalizer": _normalizer,
    "ai.onnx.ml.ZipMap": _same,
}
"""By operator name, with the domain."""
