"""QONNX's Quant and BipolarQuant, which Brevitas writes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.grid import Grid
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.elementwise import spread
from elsie.compress.onnx.operators.quantised import check_zero, plain, scalar, snap, whole
from elsie.compress.onnx.values import Data

_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas")


def _qonnx(importer: Importer, node: NodeProto) -> Callable[[NDArray[Any]], tuple[Any, Any]]:
    """Limits of QONNX's Quant, without the zero point."""
    given = attributes(node)
    bits = scalar(importer, node, 3, "bit width")
    signed, narrow = given.get("signed", 1), given.get("narrow", 0)
    if given.get("rounding_mode", b"ROUND").upper() not in (b"ROUND", b"HALF_EVEN"):
        importer.refuse(node, "has a rounding mode other than ROUND; export it with ROUND")
    low = -(2 ** (bits - 1)) + narrow if signed else 0.0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return lambda zero: (low - zero, high - zero)


def _quant(importer: Importer, node: NodeProto, data: Data) -> Data:
    """QONNX's Quant on activations."""
    step = importer.constant(node, 1, "scale")
    zero = importer.constant(node, 2, "zero point")
    if np.any(step <= 0):
        importer.refuse(node, f"has a scale of {step.min()}; it must be above 0")
    if np.any(zero != np.rint(zero)):
        importer.refuse(node, "has a zero point that is no integer; export the float model")
    data, steps = spread(importer, node, data, step, "scale")
    data, zeros = spread(importer, node, data, zero, "zero point")
    low, high = _qonnx(importer, node)(zeros)
    check_zero(importer, node, low, high)
    ends = (whole(end) for end in (low, high))
    grid = Grid(step=plain(steps), low=next(ends), high=next(ends))
    return snap(importer, node, data, grid)


def _constant_quant(importer: Importer, node: NodeProto, given: list[Any]) -> NDArray[Any]:
    """QONNX's Quant on weights."""
    if len(given) < 4:
        raise IndexError
    x, scale, zero = (importer.constant(node, n, "input") for n in range(3))
    low, high = _qonnx(importer, node)(zero)
    if np.any(scale <= 0):
        importer.refuse(node, "has a scale that is not above 0")
    return np.clip(np.rint(x / scale), low, high) * scale


def _constant_bipolar(importer: Importer, node: NodeProto, given: list[Any]) -> NDArray[Any]:
    """QONNX's BipolarQuant on weights: a sign and a scale."""
    x, scale = (importer.constant(node, n, "input") for n in range(len(given)))
    return np.where(x >= 0, 1.0, -1.0) * scale


QONNX: Mapping[str, Handler] = {f"{domain}.Quant": _quant for domain in _DOMAINS}
"""By operator name, behind its domain."""
CONSTANT: Mapping[str, Callable[[Importer, Any, list[Any]], NDArray[Any]]] = {
    f"{domain}.{name}": function
    for domain in _DOMAINS
    for name, function in (("Quant", _constant_quant), ("BipolarQuant", _constant_bipolar))
}
"""On constants, by operator name; the standard ones onnx works out itself."""
