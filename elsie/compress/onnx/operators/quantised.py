"""Quantised models: on weights folded, on activations a grid that the float reference keeps.

The engine has power-of-two scales of its own, so that it does not take these grids over; but what
the compiler compares with is the model with its grids.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.model.grid import Grid
from elsie.compress.onnx.file import attributes, describe
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.values import Data

_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas")
_RANGES = {
    "uint2": (0, 3),
    "int2": (-2, 1),
    "uint4": (0, 15),
    "int4": (-8, 7),
    **{
        f"{sign}int{bits}": (int(info.min), int(info.max))
        for sign in ("", "u")
        for bits in (8, 16)
        for info in (np.iinfo(f"{sign}int{bits}"),)
    },
}
"""Of the integer types, by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Coded(Data):
    """The data as integers, between QuantizeLinear and DequantizeLinear."""

    grid: Grid
    """What they stand for."""
    zero: int
    """The integer of 0."""

    @property
    def coded(self) -> bool:
        """Until DequantizeLinear."""
        return True


def _number(importer: Importer, node: NodeProto, number: int, what: str) -> float:
    value = importer.constant(node, number, what)
    if value.size != 1:
        importer.refuse(
            node,
            f"has a {what} of shape {value.shape} on activations, one for each feature: quantise "
            f"activations with one {what} for all (weights may have one for each), or export the "
            f"float model",
        )
    return float(value.ravel()[0])


def _step(importer: Importer, node: NodeProto) -> float:
    step = _number(importer, node, 1, "scale")
    if step <= 0:
        importer.refuse(node, f"has a scale of {step}; it must be above 0")
    return step


def _zero(importer: Importer, node: NodeProto) -> tuple[int, str]:
    """The zero point, and the name of the integers' type."""
    if len(node.input) < 3 or not node.input[2]:
        given = attributes(node).get("output_dtype", 0)
        from onnx import helper

        return 0, str(helper.tensor_dtype_to_np_dtype(given)) if given else "uint8"
    raw = importer.value(node, node.input[2])
    return int(_number(importer, node, 2, "zero point")), str(getattr(raw, "dtype", ""))


def _quantise(importer: Importer, node: NodeProto, data: Data) -> Data:
    zero, kind = _zero(importer, node)
    if kind not in _RANGES:
        importer.refuse(
            node,
            f"quantises to {kind or 'an unknown type'}, which is not supported; use int8, or "
            f"export the float model",
        )
    low, high = (limit - zero for limit in _RANGES[kind])
    grid = Grid(step=_step(importer, node), low=low, high=high)
    return Coded(**{**vars(data), "grid": grid, "zero": zero})


def _narrow(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Clip on integers, by which Brevitas writes those of fewer bits."""
    assert isinstance(data, Coded)
    given = dict(enumerate(node.input))
    low, high = (
        int(_number(importer, node, number, what)) - data.zero if given.get(number) else end
        for number, what, end in (
            (1, "lower limit", data.grid.low),
            (2, "upper limit", data.grid.high),
        )
    )
    low, high = max(low, data.grid.low), min(high, data.grid.high)
    if low > 0 or high < 0:
        importer.refuse(node, "leaves a range without 0; export the float model")
    return replace(data, grid=replace(data.grid, low=low, high=high))


def _dequantise(importer: Importer, node: NodeProto, data: Data) -> Data:
    zero = _zero(importer, node)[0] if len(node.input) > 2 else 0
    if not isinstance(data, Coded):
        importer.refuse(node, "takes integers as inputs of the model; export it with float inputs")
    if (data.grid.step, data.zero) != (_step(importer, node), zero):
        importer.refuse(
            node, "has another scale or zero point than its QuantizeLinear; export the float model"
        )
    plain = Data(axes=data.axes, stage=data.stage, affine=data.affine, grids=data.grids)
    return _snap(importer, node, plain, data.grid)


def _snap(importer: Importer, node: NodeProto, data: Data, grid: Grid) -> Data:
    """Round the data to a grid."""
    if not data.affine.plain:
        data = importer.close(node, data, "identity")
    importer.check_stage(node, data)
    if data.grids[-1:] == (grid,):
        return data
    where = importer.layers[-1].name if importer.layers else ""
    importer.notes.append(
        f"{describe(node)} rounds {f'the outputs of layer {where}' if where else 'the inputs'} to "
        f"a grid: the float reference does so, the engine has a grid of its own"
    )
    return importer.snapped(data, grid)


def _qonnx(importer: Importer, node: NodeProto) -> Callable[[NDArray[Any]], tuple[Any, Any]]:
    """Limits of QONNX's Quant, without the zero point."""
    given = attributes(node)
    bits = _number(importer, node, 3, "bit width")
    signed, narrow = given.get("signed", 1), given.get("narrow", 0)
    if given.get("rounding_mode", b"ROUND").upper() not in (b"ROUND", b"HALF_EVEN"):
        importer.refuse(node, "has a rounding mode other than ROUND; export it with ROUND")
    low = -(2 ** (bits - 1)) + narrow if signed else 0.0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return lambda zero: (low - zero, high - zero)


def _quant(importer: Importer, node: NodeProto, data: Data) -> Data:
    """QONNX's Quant on activations."""
    zero = _number(importer, node, 2, "zero point")
    if zero != round(zero):
        importer.refuse(node, f"has a zero point of {zero}; it must be an integer")
    low, high = _qonnx(importer, node)(np.array(zero))
    if low > 0 or high < 0:
        importer.refuse(node, "has a range without 0; export the float model")
    grid = Grid(step=_step(importer, node), low=int(low), high=int(high))
    return _snap(importer, node, data, grid)


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


QUANTISED: Mapping[str, Handler] = {
    "QuantizeLinear": _quantise,
    **dict.fromkeys(("DequantizeLinear", "coded DequantizeLinear"), _dequantise),
    "coded Clip": _narrow,
    **{f"{domain}.Quant": _quant for domain in _DOMAINS},
}
"""By operator name, behind "coded" those on integers."""
CONSTANT: Mapping[str, Callable[[Importer, NodeProto, list[Any]], NDArray[Any]]] = {
    f"{domain}.{name}": function
    for domain in _DOMAINS
    for name, function in (("Quant", _constant_quant), ("BipolarQuant", _constant_bipolar))
}
"""On constants, by operator name; the standard ones onnx works out itself."""
