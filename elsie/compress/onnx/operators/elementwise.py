"""Operators that scale and shift values by constants, or join values of one layer."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.values import FEATURES, NOTHING, ONE, UNIT, Affine, Data, Reals, Stack

_FLOATS = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")


def spread(
    importer: Importer, node: NodeProto, data: Data, value: Reals, what: str
) -> tuple[Data, Reals]:
    """A constant as one number a feature, or one for all; the data with the axes of the result."""
    extra = max(0, value.ndim - len(data.axes))
    axes = (ONE,) * extra + data.axes
    if value.size == 1:
        return replace(data, axes=axes), value.reshape(())
    dims = (1,) * (len(axes) - value.ndim) + value.shape
    if any(size != 1 and axis != FEATURES for axis, size in zip(axes, dims, strict=True)):
        importer.refuse(
            node,
            f"has a {what} of shape {value.shape}, which is not one number a feature; a layer "
            f"does the same with every sample",
        )
    wanted = tuple(size for axis, size in zip(axes, dims, strict=True) if axis == FEATURES)
    affine = data.affine
    if affine.sizes is None and len(wanted) == 1:
        affine = replace(affine, sizes=wanted)
    sizes = affine.sizes or ()
    if len(sizes) != len(wanted) or any(
        w not in (1, s) for w, s in zip(wanted, sizes, strict=True)
    ):
        importer.refuse(
            node,
            f"has a {what} of shape {value.shape}, but its input has {affine.n} features; "
            f"export the model again",
        )
    full = np.broadcast_to(value.reshape(wanted), sizes).ravel()
    return replace(data, axes=axes, affine=affine), full


def scale(
    importer: Importer, node: NodeProto, data: Data, *, factor: Reals, plus: Reals, what: str
) -> Data:
    """Data * factor + plus, constants that broadcast over the data."""
    data, factor = spread(importer, node, data, factor, what)
    data, plus = spread(importer, node, data, plus, what)
    return replace(data, affine=data.affine.scaled(factor, plus, node))


def _arithmetic(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Add, Sub, Mul and Div of the data and a constant, or of two values of one layer."""
    kind = node.op_type
    if attributes(node).get("axis") is not None:
        importer.refuse(node, "has an axis, as before opset 7; export it with a newer opset")
    sides = [importer.value(node, name) for name in node.input[:2]]
    if all(isinstance(side, Data) for side in sides):
        if kind in ("Add", "Sub"):
            return total(importer, node, sides[0], sides[1], 1.0 if kind == "Add" else -1.0)
        importer.refuse(node, PRODUCT)
    number = 1 if isinstance(sides[0], Data) else 0
    value = importer.constant(node, number, "bias" if kind == "Add" else "constant")
    if kind == "Add":
        return scale(importer, node, data, factor=UNIT, plus=value, what="bias")
    if kind == "Mul":
        return scale(importer, node, data, factor=value, plus=NOTHING, what="factor")
    if kind == "Sub":
        sign = UNIT if number else -UNIT
        return scale(importer, node, data, factor=sign, plus=-sign * value, what="constant")
    if not number:
        importer.refuse(node, "divides by the data, which no layer does; train without it")
    if not np.all(value):
        importer.refuse(node, "divides by 0; export the model again")
    return scale(importer, node, data, factor=1.0 / value, plus=NOTHING, what="divisor")


PRODUCT = (
    "multiplies or divides two values of the data (a gate, SiLU, softmax or attention), which no "
    "layer does; train with Relu, Tanh or Sigmoid"
)


def total(importer: Importer, node: NodeProto, one: Data, other: Data, sign: float = 1.0) -> Data:
    """Two values of one stage, added."""
    _same_stage(importer, node, [one, other])
    sizes = one.affine.sizes, other.affine.sizes
    if one.axes != other.axes or (sizes[0] != sizes[1] and (1,) not in sizes):
        importer.refuse(node, "adds values of different shapes; export the model again")
    (w, b), (v, c) = (_rows(importer, node, data) for data in (one, other))
    one = other if sizes[0] == (1,) else one
    both = folds(one) and folds(other)
    affine = Affine(
        sizes=one.affine.sizes, matrix=w + sign * v, offset=b + sign * c, node=node, folds=both
    )
    return replace(one, affine=affine)


def folds(data: Data) -> bool:
    """No weights of the file are in it, which make a layer."""
    return data.affine.matrix is None or data.affine.folds


def _several(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Sum and Mean of values of one layer and of constants."""
    sides = [importer.value(node, name) for name in node.input]
    result, *more = [side for side in sides if isinstance(side, Data)]
    for side in more:
        result = total(importer, node, result, side)
    for number in range(len(sides)):
        if not isinstance(sides[number], Data):
            plus = importer.constant(node, number, "bias")
            result = scale(importer, node, result, factor=UNIT, plus=plus, what="bias")
    share = np.array(1 / len(node.input) if node.op_type == "Mean" else 1.0)
    return scale(importer, node, result, factor=share, plus=NOTHING, what="factor")


def _rows(importer: Importer, node: NodeProto, data: Data) -> tuple[Reals, Reals]:
    width = importer.width(data.stage) or data.affine.n
    if width is None:
        importer.refuse(node, "joins values of an open size; export the model with fixed sizes")
    importer.check_room(node, data, width)
    return data.affine.rows(width)


def _same_stage(importer: Importer, node: NodeProto, parts: list[Data]) -> None:
    if len({(part.stage, part.grids) for part in parts}) > 1:
        importer.refuse(
            node,
            "joins two branches: the graph branches, with layers between, and only a chain of "
            "layers can be used, or branches with the same function at each depth",
        )


def _concat(importer: Importer, node: NodeProto, data: Data) -> Data | Stack:
    """Values of one stage side by side; or of several, along an axis of their own."""
    parts = [importer.value(node, name) for name in node.input]
    axis = attributes(node).get("axis", 1) % len(data.axes)
    found = [part for part in parts if isinstance(part, Data)]
    alike = len(found) == len(parts) and all(part.axes == data.axes for part in found)
    if alike and data.axes[axis] == ONE and FEATURES in data.axes:
        return Stack(parts=tuple(found), axis=axis)
    _same_stage(importer, node, found)
    lined = all(
        [a for n, a in enumerate(part.axes) if n != axis]
        == [a for n, a in enumerate(data.axes) if n != axis]
        and part.axes[axis] in (FEATURES, ONE)
        for part in found
    )
    if len(found) < len(parts) or not lined or data.axes.count(FEATURES) > 1:
        importer.refuse(
            node, "joins more than the features of one layer; only a chain of layers can be used"
        )
    axes = (*data.axes[:axis], FEATURES, *data.axes[axis + 1 :])
    if axes.count(FEATURES) > 1:
        importer.refuse(node, "joins features along a new axis; export the model without it")
    rows = [_rows(importer, node, part) for part in found]
    matrix, offset = (np.concatenate(part) for part in zip(*rows, strict=True))
    all_fold = all(folds(part) for part in found)
    affine = Affine(sizes=(len(matrix),), matrix=matrix, offset=offset, node=node, folds=all_fold)
    return replace(data, axes=axes, affine=affine)


def _norm(importer: Importer, node: NodeProto, data: Data) -> Data:
    """BatchNormalization as in inference."""
    given = attributes(node)
    if given.get("training_mode", 0) or len([name for name in node.output if name]) > 1:
        importer.refuse(node, "is in training mode; export the model for inference")
    if len(data.axes) < 2 or data.axes[1] not in (FEATURES, ONE):
        importer.refuse(node, "normalises axis 1, which is not the features; export it over them")
    gamma, beta, mean, var = (
        importer.constant(node, n, name)
        for n, name in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    sizes = {gamma.shape, beta.shape, mean.shape, var.shape}
    if len(sizes) > 1 or gamma.ndim != 1:
        importer.refuse(
            node, f"has parameters of shapes {sorted(sizes)}; they must be one number a feature"
        )
    root = np.sqrt(np.maximum(var + given.get("epsilon", 1e-5), 0.0))
    if not np.all(root > 0):
        importer.refuse(node, "has a variance that is not positive; train or export it again")
    shape = (-1,) + (1,) * (len(data.axes) - 2)
    factor, plus = gamma / root, beta - mean * gamma / root
    return scale(
        importer,
        node,
        data,
        factor=factor.reshape(shape),
        plus=plus.reshape(shape),
        what="parameter",
    )


def _negate(importer: Importer, node: NodeProto, data: Data) -> Data:
    return scale(importer, node, data, factor=-UNIT, plus=NOTHING, what="factor")


def _dropout(importer: Importer, node: NodeProto, data: Data) -> Data:
    training = importer.value(node, node.input[2]) if len(node.input) > 2 else None
    if training is not None and np.any(importer.constant(node, 2, "mode")):
        importer.refuse(node, "is in training mode; export the model for inference")
    return data


def _cast(importer: Importer, node: NodeProto, data: Data) -> Data:
    from onnx import TensorProto, helper

    if node.op_type == "CastLike":
        like: NDArray[Any] = np.asarray(importer.value(node, node.input[1]))
        number = helper.np_dtype_to_tensor_dtype(like.dtype)
    else:
        number = attributes(node)["to"]
    known = TensorProto.DataType.values()
    to = TensorProto.DataType.Name(number) if number in known else f"type {number}"
    if to not in _FLOATS and importer.dropped is None:
        importer.refuse(node, f"casts to {to}; only casts to float are supported")
    return data


_OPERATORS: dict[str, Callable[[Importer, NodeProto, Data], Data | Stack]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    **dict.fromkeys(("Sum", "Mean"), _several),
    "BatchNormalization": _norm,
    "Neg": _negate,
    "Concat": _concat,
    "Dropout": _dropout,
    "Cast": _cast,
    "CastLike": _cast,
}
ELEMENTWISE: Mapping[str, Handler] = {**_OPERATORS}
"""By operator name."""
