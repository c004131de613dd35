"""What exporters write at the end of a classifier: a sigmoid by hand, a sum to divide by.

Divided by their sum, values that are not negative keep their order. Where skl2onnx expects a sum of
0, it adds an indicator of that to the values and to the sum; all values are 0 then, and stay equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes
from elsie.compress.onnx.operators.dense import function
from elsie.compress.onnx.operators.elementwise import PRODUCT, folds
from elsie.compress.onnx.operators.refusals import FUNCTION
from elsie.compress.onnx.values import FEATURES, UNIT, Affine, Data, Reals

_BOOL = 9
"""The number of bool in ONNX."""
_SUM = (
    "what depends on whether all features are 0, which no layer tells; export the model without it"
)
_TINY = 1e-6
"""What rounding in the file may leave below 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Total(Data):
    """The sum of each sample's values; the fields are those of the values.

    It is a row of ones, but where the values are divided by it, no layer is needed.
    """

    indicator: bool = False
    """Not the sum, but a number that is 0 unless all the values are."""

    @property
    def form(self) -> str:
        """Until the values are divided by it."""
        return "total"

    @property
    def why(self) -> str:
        """Of an indicator."""
        return _SUM

    def linear(self, importer: Importer, node: NodeProto) -> Data | None:
        """The sum, for all else."""
        return None if self.indicator else _joined(importer, node, self.real(), 1.0, keep=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Power(Data):
    """e to the power of the data."""

    raised: bool = False
    """1 more than that."""

    @property
    def form(self) -> str:
        """Until 1 / (1 + e^x)."""
        return "power"

    @property
    def why(self) -> str:
        """Nothing else may take it."""
        return f"a power of e, which {FUNCTION}"


def _sum(importer: Importer, node: NodeProto, data: Data) -> Data:
    """ReduceSum over the features."""
    _check_features(importer, node, data)
    if not attributes(node).get("keepdims", 1):
        return _joined(importer, node, data, 1.0, keep=False)
    return Total(**vars(data.real()))


def _mean(importer: Importer, node: NodeProto, data: Data) -> Data:
    """ReduceMean over the features."""
    _check_features(importer, node, data)
    keep = bool(attributes(node).get("keepdims", 1))
    return _joined(importer, node, data, 1 / (data.affine.n or 1), keep=keep)


def _joined(importer: Importer, node: NodeProto, data: Data, weight: float, *, keep: bool) -> Data:
    """The sum of a sample's values, times a weight; keep: along an axis of 1."""
    n = data.affine.n
    width = importer.width(data.stage) or n
    if width is None or n is None:
        importer.refuse(node, "is over an open number of features; export it with their number")
    row, offset = data.affine.into(np.full((1, n), weight), width)
    affine = Affine(
        sizes=(1,) if keep else (), matrix=row, offset=offset, node=node, folds=folds(data)
    )
    return replace(data, axes=data.axes if keep else data.axes[:-1], affine=affine)


def _check_features(importer: Importer, node: NodeProto, data: Data) -> None:
    given = attributes(node)
    axes = given.get("axes", [])
    if len(node.input) > 1 and node.input[1]:
        axes = importer.constant(node, 1, "axis").astype(np.int64).ravel().tolist()
    last = data.axes[-1:] == (FEATURES,) and data.axes.count(FEATURES) == 1
    if not last or axes not in ([-1], [len(data.axes) - 1]):
        importer.refuse(
            node, "is over more or other axes than the features; put a Flatten before it"
        )


def _cast(importer: Importer, node: NodeProto, data: Data) -> Data | None:
    """To bool, of which Not makes the indicator; back to numbers."""
    assert isinstance(data, Total)
    to_bool = attributes(node)["to"] == _BOOL
    if not to_bool and not data.indicator:
        return importer.settle(node, data)
    if to_bool and data.indicator:
        importer.refuse(node, f"takes {_SUM}")
    return Total(**{**vars(data), "indicator": True})


def _not(importer: Importer, node: NodeProto, data: Data) -> Data:
    return data


def _times(importer: Importer, node: NodeProto, data: Data) -> Data | None:
    """The indicator times a number."""
    assert isinstance(data, Total)
    sides = [importer.value(node, name) for name in node.input]
    if not data.indicator:
        return importer.settle(node, data)
    if all(isinstance(side, Data) for side in sides):
        importer.refuse(node, f"takes {_SUM}")
    return data


def _plus(importer: Importer, node: NodeProto, data: Data) -> Data | None:
    """The indicator added to the values or to their sum."""
    sides = [importer.value(node, name) for name in node.input]
    marks = [side for side in sides if isinstance(side, Total) and side.indicator]
    if not marks:
        return importer.settle(node, data)
    others = [side for side in sides if isinstance(side, Data) and side not in marks]
    if len(marks) != 1 or len(others) != 1 or others[0].affine is not marks[0].affine:
        importer.refuse(node, f"takes {_SUM}")
    return others[0]


def _divide(importer: Importer, node: NodeProto, data: Data) -> Data | None:
    """The values by their sum: left out at the end, where only their order counts."""
    values, divisor = (importer.value(node, name) for name in node.input)
    if not isinstance(divisor, Total) or not isinstance(values, Data):
        return importer.settle(node, data)
    if divisor.indicator or values.form or values.affine is not divisor.affine:
        importer.refuse(node, PRODUCT)
    if not _positive(importer, values):
        importer.refuse(
            node,
            "divides by the sum of values that may be negative, which does not keep their order; "
            "export the scores themselves",
        )
    return order(importer, node, values)


def order(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Drop a node that keeps the order of the values, and a sigmoid before it, which does too."""
    importer.drop(node)
    view = importer.choose(data)
    last = importer.layers[-1] if importer.layers else None
    at_end = view.affine.plain and view.stage == len(importer.layers)
    if at_end and isinstance(last, FloatDense) and last.activation == "sigmoid":
        importer.layers[-1] = replace(last, activation="identity")
        importer.notes.append(f"the sigmoid of layer {last.name} was dropped too")
    return view


def _positive(importer: Importer, data: Data) -> bool:
    """No value is negative, whatever the inputs are: by the ends of intervals."""
    width = importer.width(data.stage)
    if width is None:
        return False
    low, high = np.full(importer.inputs or 0, -np.inf), np.full(importer.inputs or 0, np.inf)
    for layer in importer.layers[: data.stage]:
        if not isinstance(layer, FloatDense):
            return False
        ends = _ends(layer.weight, layer.bias, low, high)
        low, high = (FUNCTIONS[layer.activation](end) for end in ends)
    return bool(np.all(_ends(*data.affine.rows(width), low, high)[0] >= -_TINY))


def _ends(weight: Reals, bias: Reals, low: Reals, high: Reals) -> tuple[Reals, Reals]:
    """The least and the greatest that weight @ x + bias can be, low <= x <= high."""
    with np.errstate(invalid="ignore"):  # 0 * inf
        least = np.where(weight > 0, weight * low, weight * high)
        most = np.where(weight > 0, weight * high, weight * low)
    used = weight != 0
    return (
        np.where(used, least, 0.0).sum(axis=1) + bias,
        np.where(used, most, 0.0).sum(axis=1) + bias,
    )


def _exp(importer: Importer, node: NodeProto, data: Data) -> Data:
    return Power(**vars(data.real()))


def _raise(importer: Importer, node: NodeProto, data: Data) -> Data:
    """1 + e^x."""
    assert isinstance(data, Power)
    number = 0 if importer.value(node, node.input[1]) is data else 1
    one = importer.constant(node, number, "summand")
    if data.raised or one.size != 1 or one.ravel()[0] != 1:
        importer.refuse(node, f"takes {data.why}")
    return Power(**{**vars(data), "raised": True})


def _invert(importer: Importer, node: NodeProto, data: Data) -> Data:
    """1 / (1 + e^x) = sigmoid(-x)."""
    assert isinstance(data, Power)
    one = np.ones(1)
    if node.op_type == "Div":
        one = importer.constant(node, 0, "dividend")
    if not data.raised or one.size != 1 or one.ravel()[0] != 1:
        importer.refuse(node, f"takes {data.why}")
    affine: Affine = data.affine.scaled(-UNIT, np.zeros(()), node)
    return function(importer, node, data.real(affine=affine), "sigmoid")


def _normalise(importer: Importer, node: NodeProto, data: Data) -> Data:
    """LpNormalization over the features: by one positive number for each sample."""
    importer.check_axis(node, data, attributes(node).get("axis", -1))
    return order(importer, node, data)


SCORES: Mapping[str, Handler] = {
    "ReduceSum": _sum,
    "ReduceMean": _mean,
    "total Cast": _cast,
    "total Not": _not,
    "total Mul": _times,
    "total Add": _plus,
    "total Div": _divide,
    "LpNormalization": _normalise,
    "Exp": _exp,
    "power Add": _raise,
    **dict.fromkeys(("power Reciprocal", "power Div"), _invert),
}
"""By operator name, behind the form of the data that it takes."""
