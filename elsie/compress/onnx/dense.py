"""ONNX operators of fully connected layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.onnx.file import attributes
from elsie.compress.onnx.importer import FUNCTIONS, Handler, Importer

_FLOATS = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")
SUPPORTED = (
    f"Gemm, MatMul, Add, {', '.join(FUNCTIONS)}, Identity, Dropout, Flatten, Reshape, Cast, and a "
    f"trailing Softmax, LogSoftmax or ArgMax"
)
"""The operators that a model may use, for messages."""


def _live_first(importer: Importer, node: Any) -> None:
    if node.input[0] in importer.file.constants:
        importer.refuse(node, "has its weight on the left; export it as input x weight")


def _matrix(importer: Importer, node: Any) -> NDArray[np.float64]:
    weight = importer.constant(node, 1, "weight")
    if weight.ndim != 2:
        importer.refuse(node, f"has a weight of shape {weight.shape}; it must be a matrix")
    return weight


def _gemm(importer: Importer, node: Any) -> None:
    given = attributes(node)
    _live_first(importer, node)
    if given.get("transA", 0):
        importer.refuse(node, "has transA=1, which mixes samples; export it with transA=0")
    weight = _matrix(importer, node)
    importer.open(node, (weight if given.get("transB", 0) else weight.T) * given.get("alpha", 1.0))
    if len(node.input) > 2 and node.input[2]:
        importer.add_bias(node, importer.constant(node, 2, "bias") * given.get("beta", 1.0))


def _matmul(importer: Importer, node: Any) -> None:
    _live_first(importer, node)
    importer.open(node, _matrix(importer, node).T)


def _add(importer: Importer, node: Any) -> None:
    number = 1 if node.input[0] not in importer.file.constants else 0
    bias = importer.constant(node, number, "bias")
    if importer.weight is None:
        importer.refuse(node, "does not follow a Gemm or MatMul; fold it into a layer's bias")
    importer.add_bias(node, bias)


def _function(importer: Importer, node: Any) -> None:
    name = FUNCTIONS[node.op_type]
    if importer.weight is None and not importer.layers:
        importer.refuse(node, "comes before the first Gemm or MatMul; apply it to the data")
    if importer.weight is None:
        # A second Relu changes nothing; after anything else it would.
        last = importer.layers[-1]
        if name != "relu" or not isinstance(last, FloatDense) or last.activation != "relu":
            importer.refuse(node, "does not follow a Gemm or MatMul; put it directly behind one")
    importer.close(name)


def _dropout(importer: Importer, node: Any) -> None:
    training = node.input[2] if len(node.input) > 2 else ""
    if training and np.any(importer.file.constants.get(training, False)):
        importer.refuse(node, "is in training mode; export the model for inference")


def _flatten(importer: Importer, node: Any) -> None:
    axis = attributes(node).get("axis", 1)
    if axis != 1 and (importer.rank is None or axis != 1 - importer.rank):
        importer.refuse(node, f"has axis {axis}, which mixes samples; use axis 1")
    importer.rank = 2


def _reshape(importer: Importer, node: Any) -> None:
    shape = [int(size) for size in importer.constant(node, 1, "shape").reshape(-1)]
    samples = importer.file.shape[0] if importer.file.shape else None
    good = len(shape) == 2 and shape[0] in (-1, 0, 1, samples)
    last = shape[-1] if good else -1
    if good and last < 1:
        # 0 copies axis 1; -1 is what the samples leave over.
        good = importer.rank == 2 if last == 0 else shape[0] != -1
        last = importer.features or -1
    if not good or (importer.features or last) != last:
        importer.refuse(node, f"has shape {shape}; it must keep the samples: (-1, features)")
    importer.features, importer.rank = (last if last > 0 else None), 2


def _cast(importer: Importer, node: Any) -> None:
    from onnx import TensorProto

    to = TensorProto.DataType.Name(attributes(node)["to"])
    if to not in _FLOATS and importer.dropped is None:
        importer.refuse(node, f"casts to {to}; only casts to float are supported")


def _drop(importer: Importer, node: Any) -> None:
    default = 0 if node.op_type == "ArgMax" else -1
    axis = attributes(node).get("axis", default)
    if axis not in (1, -1):
        importer.refuse(node, f"has axis {axis}, which mixes samples; use axis 1")
    importer.drop(node)


def _nothing(importer: Importer, node: Any) -> None:
    """An operator that changes nothing."""


HANDLERS: Mapping[str, Handler] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _add,
    **dict.fromkeys(FUNCTIONS, _function),
    "Identity": _nothing,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Cast": _cast,
    "Softmax": _drop,
    "LogSoftmax": _drop,
    "ArgMax": _drop,
}
"""By operator name."""
