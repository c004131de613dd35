"""Operators on integers, as onnxruntime quantises models: each is a layer between its scales.

The static ones (QOperator form) are what QuantizeLinear and DequantizeLinear around the float
operator would be. The dynamic ones take their scale from the range of the batch at hand, so that
what they give for a sample depends on the others. That rounding is left out, and noted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from onnx import NodeProto

from elsie.compress.onnx.importer import Handler, Importer
from elsie.compress.onnx.nodes import attributes, describe
from elsie.compress.onnx.operators.axes import MOVES
from elsie.compress.onnx.operators.dense import affine, function, matrix
from elsie.compress.onnx.operators.elementwise import scale, total
from elsie.compress.onnx.operators.quantised import dequantise, quantise
from elsie.compress.onnx.operators.slopes import leaky
from elsie.compress.onnx.values import NOTHING, UNIT, Data, Reals

_RANGED = (
    "integers whose scale depends on the batch, which only MatMulInteger with Cast and Mul behind "
    "it can take: quantise the model statically, in QDQ form, or export the float model"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranged(Data):
    """The data as integers of a scale that depends on them."""

    source: str
    """The value that was quantised."""

    @property
    def form(self) -> str:
        """Until a Mul by the scale."""
        return "ranged"

    @property
    def why(self) -> str:
        """MatMulInteger, Cast and Mul by the scale are taken."""
        return _RANGED


@dataclass(frozen=True, kw_only=True, eq=False)
class RangeScale(Data):
    """Such a scale times constants, or such a zero point."""

    source: str
    """The value that was quantised."""
    factor: Reals
    """The constants."""

    @property
    def form(self) -> str:
        """Until it multiplies what has the scale."""
        return "scale"

    @property
    def why(self) -> str:
        """Only as a factor of what has the scale."""
        return _RANGED


def _real(importer: Importer, node: NodeProto, first: int) -> Reals:
    """A constant whose integers, scale and zero point are three inputs in a row."""
    value, step = (importer.constant(node, first + n, "input") for n in range(2))
    given = len(node.input) > first + 2 and node.input[first + 2]
    return (value - (importer.constant(node, first + 2, "zero point") if given else 0)) * step


def _coded(importer: Importer, node: NodeProto, data: Data, last: int) -> Data:
    """The data as integers again, with the scale and zero point at the end of the inputs."""
    return quantise(importer, node, data, last, last + 1)


def _matmul(importer: Importer, node: NodeProto, data: Data) -> Data:
    """QLinearMatMul."""
    matrix(importer, node, 3)
    real = dequantise(importer, node, data, 1, 2)
    return _coded(importer, node, affine(importer, node, real, _real(importer, node, 3).T), 6)


def _gemm(importer: Importer, node: NodeProto, data: Data) -> Data:
    """QGemm; without a scale of the output it gives real values."""
    given = attributes(node)
    if given.get("transA", 0):
        importer.refuse(node, "has transA=1, which mixes samples; export it with transA=0")
    codes = matrix(importer, node, 3)
    step, zero = (importer.constant(node, n, "scale").reshape(-1, 1) for n in (4, 5))
    codes = codes if given.get("transB", 0) else codes.T
    alpha = given.get("alpha", 1.0)
    result = dequantise(importer, node, data, 1, 2)
    result = affine(importer, node, result, (codes - zero) * step * alpha)
    if len(node.input) > 6 and node.input[6]:
        unit = importer.constant(node, 1, "scale").ravel()[0] * step.ravel() * alpha
        bias = importer.constant(node, 6, "bias") * unit
        result = scale(importer, node, result, factor=UNIT, plus=bias, what="bias")
    if len(node.input) > 7 and node.input[7]:
        return _coded(importer, node, result, 7)
    return result


def _arithmetic(importer: Importer, node: NodeProto, data: Data) -> Data:
    """QLinearAdd and QLinearMul, of the data and a constant or, Add only, of the data twice."""
    adds = node.op_type.endswith("Add")
    sides = [importer.value(node, node.input[n]) for n in (0, 3)]
    reals: list[Any] = [
        dequantise(importer, node, side, first + 1, first + 2)
        if isinstance(side, Data)
        else _real(importer, node, first)
        for side, first in zip(sides, (0, 3), strict=True)
    ]
    found = [value for value in reals if isinstance(value, Data)]
    if len(found) == 2 and adds:
        return _coded(importer, node, total(importer, node, found[0], found[1]), 6)
    if len(found) == 2:
        importer.refuse(node, "multiplies two values of the data, which no layer does")
    value = next(value for value in reals if not isinstance(value, Data))
    factor, plus = (UNIT, value) if adds else (value, NOTHING)
    result = scale(importer, node, found[0], factor=factor, plus=plus, what="constant")
    return _coded(importer, node, result, 6)


def _between(handler: Callable[[Importer, Any, Data], Data]) -> Handler:
    """An operator on real values, between the scales of its input and of its output."""

    def handle(importer: Importer, node: NodeProto, data: Data) -> Data:
        return _coded(
            importer, node, handler(importer, node, dequantise(importer, node, data, 1, 2)), 3
        )

    return handle


def _softmax(importer: Importer, node: NodeProto, data: Data) -> Data:
    """QLinearSoftmax over the features."""
    data = dequantise(importer, node, data, 1, 2)
    importer.check_axis(node, data, attributes(node).get("axis", -1))
    importer.drop(node)
    return data


def _dynamic(importer: Importer, node: NodeProto, data: Data) -> None:
    """DynamicQuantizeLinear: integers, scale and zero point."""
    importer.notes.append(
        f"{describe(node)} rounds to steps that depend on the batch: left out, so the float "
        f"reference has the values before"
    )
    fields = {**vars(data.real()), "source": node.input[0]}
    kinds = (Ranged(**fields), *(RangeScale(**fields, factor=UNIT) for _ in range(2)))
    for name, value in zip(node.output, kinds, strict=False):
        importer.values[name] = value


def _integer_matmul(importer: Importer, node: NodeProto, data: Data) -> Data:
    """MatMulInteger; what it gives has the scale of its input still."""
    codes = matrix(importer, node, 1)
    given = len(node.input) > 3 and node.input[3]
    zero = importer.constant(node, 3, "zero point") if given else 0
    return affine(importer, node, data, (codes - zero).T)


def _scaled(importer: Importer, node: NodeProto, data: Data) -> Data:
    """Mul of a scale by a constant, or of what has the scale by it."""
    sides = [importer.value(node, name) for name in node.input]
    steps = [side for side in sides if isinstance(side, RangeScale)]
    codes = [side for side in sides if isinstance(side, Ranged)]
    if len(steps) == 1 and len(codes) == 1 and steps[0].source == codes[0].source:
        plain = codes[0].real()
        return scale(importer, node, plain, factor=steps[0].factor, plus=NOTHING, what="scale")
    if len(steps) != 1 or any(isinstance(side, Data) for side in sides if side is not steps[0]):
        importer.refuse(node, f"takes {_RANGED}")
    number = 1 - next(n for n, side in enumerate(sides) if side is steps[0])
    return replace(steps[0], factor=steps[0].factor * importer.constant(node, number, "scale"))


def _same(importer: Importer, node: NodeProto, data: Data) -> Data:
    return data


def _dynamic_matmul(importer: Importer, node: NodeProto, data: Data) -> Data:
    """DynamicQuantizeMatMul, all of it in one: A, B, its scale and zero point, bias."""
    importer.notes.append(
        f"{describe(node)} rounds its input to steps that depend on the batch: left out, so the "
        f"float reference has the values before"
    )
    matrix(importer, node, 1)
    result = affine(importer, node, data, _real(importer, node, 1).T)
    if len(node.input) < 5 or not node.input[4]:
        return result
    bias = importer.constant(node, 4, "bias")
    return scale(importer, node, result, factor=UNIT, plus=bias, what="bias")


def _sigmoid(importer: Importer, node: NodeProto, data: Data) -> Data:
    return function(importer, node, data, "sigmoid")


INTEGERS: Mapping[str, Handler] = {
    "coded QLinearMatMul": _matmul,
    "coded com.microsoft.QGemm": _gemm,
    **{f"coded com.microsoft.QLinear{name}": _arithmetic for name in ("Add", "Mul")},
    "coded com.microsoft.QLinearSigmoid": _between(_sigmoid),
    "coded com.microsoft.QLinearLeakyRelu": _between(leaky),
    "coded com.microsoft.QLinearSoftmax": _softmax,
    "DynamicQuantizeLinear": _dynamic,
    "ranged MatMulInteger": _integer_matmul,
    "ranged Cast": _same,
    **{f"{form} Mul": _scaled for form in ("ranged", "scale")},
    **{f"ranged {name}": handler for name, handler in MOVES.items()},
    "com.microsoft.DynamicQuantizeMatMul": _dynamic_matmul,
}
"""By operator name, behind the form of the data that it takes."""
