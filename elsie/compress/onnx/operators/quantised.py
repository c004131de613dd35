"""Quantised models: on weights folded, on activations a grid that the float reference keeps.

The engine's own scales are powers of two. It takes a grid over where that is one and wide enough;
whatever it does, the compiler compares it with the model with its grids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from onnx import NodeProto

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.grid import Grid
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes, describe
from elsie.compress.onnx.operators.axes import MOVES
from elsie.compress.onnx.operators.dense import is_linear, is_positive
from elsie.compress.onnx.operators.elementwise import spread
from elsie.compress.onnx.values import FEATURES, Affine, Data

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
_INTEGERS = (
    "integers, which only layers and what moves values can take: export the model in QDQ form "
    "(onnxruntime: quant_format=QuantFormat.QDQ), or the float model"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Coded(Data):
    """The data as integers, behind QuantizeLinear."""

    grid: Grid
    """What they stand for."""
    zero: int | tuple[int, ...]
    """The integer of 0, for all values or for each."""

    @property
    def form(self) -> str:
        """Until DequantizeLinear."""
        return "coded"

    @property
    def why(self) -> str:
        """Layers and what moves values are taken."""
        return _INTEGERS


def quantise(
    importer: Importer, node: NodeProto, data: Data, scale: int, zero: int | None = None
) -> Data:
    """The data as integers. Scale and zero point are inputs of these numbers; none: 0 of uint8."""
    if importer.dropped:
        return data  # only the order counts, and rounding keeps it
    kind = "uint8"
    if zero is not None:
        kind = str(getattr(importer.value(node, node.input[zero]), "dtype", ""))
    elif attributes(node).get("output_dtype", 0):
        from onnx import helper

        kind = str(helper.tensor_dtype_to_np_dtype(attributes(node)["output_dtype"]))
    if kind not in _RANGES:
        importer.refuse(
            node,
            f"quantises to {kind or 'an unknown type'}, which is not supported; use int8, or "
            f"export the float model",
        )
    data, step, zeros = _parameters(importer, node, data, scale, zero)
    low, high = (whole(limit - np.asarray(zeros)) for limit in _RANGES[kind])
    check_zero(importer, node, low, high)
    grid = Grid(step=step, low=low, high=high)
    return Coded(**vars(data.real()), grid=grid, zero=zeros)


def dequantise(
    importer: Importer, node: NodeProto, data: Data, scale: int, zero: int | None = None
) -> Data:
    """The values that the integers stand for, with the same scale and zero point."""
    if importer.dropped:
        return data
    if not isinstance(data, Coded):
        importer.refuse(node, "takes integers as inputs of the model; export it with float inputs")
    data, step, zeros = _parameters(importer, node, data, scale, zero)
    assert isinstance(data, Coded)
    if (data.grid.step, data.zero) != (step, zeros):
        importer.refuse(
            node, "has another scale or zero point than its QuantizeLinear; export the float model"
        )
    return snap(importer, node, data.real(), data.grid)


def plain(value: Any) -> float | tuple[float, ...]:
    """An array as one Python number, or a tuple if there are several."""
    return np.asarray(value).tolist() if np.ndim(value) == 0 else tuple(np.asarray(value).tolist())


def whole(value: Any) -> int | tuple[int, ...]:
    """The same of integers."""
    found = np.asarray(value).astype(np.int64)
    return int(found) if found.ndim == 0 else tuple(found.tolist())


def _parameters(
    importer: Importer, node: NodeProto, data: Data, scale: int, zero: int | None
) -> tuple[Data, Any, Any]:
    """Scale and zero point: a number each, or one for each feature where they differ."""
    step = importer.constant(node, scale, "scale")
    zeros = np.zeros(()) if zero is None else importer.constant(node, zero, "zero point")
    if np.any(step <= 0):
        importer.refuse(node, f"has a scale of {step.min()}; it must be above 0")
    if step.size == 1 and zeros.size == 1:
        return data, float(step.ravel()[0]), int(zeros.ravel()[0])
    given = attributes(node)
    axis = given.get("axis", 1)
    if given.get("block_size") or max(step.ndim, zeros.ndim) > 1:
        importer.refuse(
            node, "has a scale for each block of activations; use one for all, or for each feature"
        )
    if not -len(data.axes) <= axis < len(data.axes) or data.axes[axis] != FEATURES:
        importer.refuse(
            node, f"has a scale for each place on axis {axis}, which is not the features'"
        )
    dims = [1] * len(data.axes)
    dims[axis] = -1
    both = np.broadcast_arrays(step.reshape(-1), zeros.reshape(-1))
    data, steps = spread(importer, node, data, both[0].reshape(dims), "scale")
    _, offsets = spread(importer, node, data, both[1].reshape(dims), "zero point")
    return data, plain(steps), whole(offsets)


def _zero(node: NodeProto) -> int | None:
    return 2 if len(node.input) > 2 and node.input[2] else None


def check_zero(importer: Importer, node: NodeProto, low: Any, high: Any) -> None:
    """Refuse limits that leave out 0."""
    if np.max(low) > 0 or np.min(high) < 0:
        importer.refuse(node, "has a range without 0; export the float model")


def _quantise(importer: Importer, node: NodeProto, data: Data) -> Data:
    return quantise(importer, node, data, 1, _zero(node))


def _dequantise(importer: Importer, node: NodeProto, data: Data) -> Data:
    return dequantise(importer, node, data, 1, _zero(node))


def scalar(importer: Importer, node: NodeProto, place: int, what: str) -> float:
    """Input `place` of a node, which must be one number."""
    value = importer.constant(node, place, what)
    if value.size != 1:
        importer.refuse(
            node, f"has a {what} of shape {value.shape} on activations; it must be one number"
        )
    return float(value.ravel()[0])


def _narrow(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Clip on integers, by which Brevitas writes those of fewer bits."""
    assert isinstance(data, Coded)
    given = dict(enumerate(node.input))
    low, high = (
        int(scalar(importer, node, number, what)) - np.asarray(data.zero)
        if given.get(number)
        else np.asarray(end)
        for number, what, end in (
            (1, "lower limit", data.grid.low),
            (2, "upper limit", data.grid.high),
        )
    )
    low, high = np.maximum(low, data.grid.low), np.minimum(high, data.grid.high)
    check_zero(importer, node, low, high)
    return replace(data, grid=replace(data.grid, low=whole(low), high=whole(high)))


def snap(importer: Importer, node: NodeProto, data: Data, grid: Grid) -> Data:
    """Round the data to a grid; one without negative values does what a Relu does, too."""
    view = data.affine
    chosen = view.matrix is None and not np.any(view.scale != 1) and not np.any(view.offset)
    chosen = chosen and isinstance(grid.step, float)
    if chosen:  # which of the layer's outputs, and in which order, is no matter
        data = replace(data, affine=Affine(sizes=None))
    elif not view.plain:
        data = importer.close(node, data, "relu" if grid.positive else "identity")
    importer.check_stage(node, data)
    before = importer.layers[-1] if data.stage else None
    if grid.positive and is_linear(before):
        importer.layers[-1] = replace(before, activation="relu")
    elif grid.positive and before is not None and not is_positive(before):
        data, chosen = importer.close(node, replace(data, affine=view), "relu"), False
    if data.grids[-1:] != (grid,):
        where = importer.layers[-1].name if importer.layers else ""
        what = f"the outputs of layer {where}" if where else "the inputs"
        importer.notes.append(
            f"{describe(node)} rounds {what} to a grid: the float reference does so, the engine "
            f"has a grid of its own, which is the same where its bits suffice and the scale is a "
            f"power of two"
        )
        data = _even(importer, data, grid)
    return replace(data, affine=view) if chosen else data


def _even(importer: Importer, data: Data, grid: Grid) -> Data:
    """Note the grid; with a scale for each feature, bring them together by powers of two.

    Rows of the layer take them, and what comes behind it takes them back.
    """
    before = importer.layers[-1] if data.stage else None
    steps = np.asarray(grid.step)
    if not isinstance(before, FloatDense) or before.activation not in ("identity", "relu"):
        return importer.snapped(data, grid)
    if not steps.ndim or data.grids:
        return importer.snapped(data, grid)
    powers = np.rint(np.log2(steps.max() / steps))
    factor = np.ldexp(1.0, powers.astype(np.int64))
    importer.layers[-1] = replace(
        before, weight=before.weight * factor[:, None], bias=before.bias * factor
    )
    even = steps * factor
    one = bool(np.all(even == even[0]))
    data = importer.snapped(data, replace(grid, step=float(even[0]) if one else plain(even)))
    return replace(data, affine=replace(data.affine, scale=1 / factor))


QUANTISED: Mapping[str, Handler] = {
    "QuantizeLinear": _quantise,
    **dict.fromkeys(("DequantizeLinear", "coded DequantizeLinear"), _dequantise),
    "coded Clip": _narrow,
    **{f"coded {name}": handler for name, handler in MOVES.items()},
}
"""By operator name, behind "coded" those on integers."""
