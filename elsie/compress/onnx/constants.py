"""Nodes on constants, worked out by onnx's reference evaluator."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx.reference.op_run import OpRun

LARGEST = 1 << 26
"""Most elements that a folded constant may have."""
SELECT = ("Cast", "Concat", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze")
"""Operators that choose numbers and do not change them."""
_KNOWN = 1024
"""Inputs up to this size are given to shape inference with their values."""
_RANDOM = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)


class FoldError(Exception):
    """Why a node cannot be worked out: the end of a sentence that begins with the node."""


def fold(node: Any, given: list[NDArray[Any] | None], opset: int) -> list[Any]:
    """Outputs of a node whose inputs are all constants, in the order of the named outputs.

    given: the inputs, None for one that is left out. opset: version of the standard operators.
    Raises FoldError.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    if node.op_type in _RANDOM:
        raise FoldError("gives random numbers; export the model for inference")
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        raise FoldError(
            "holds graphs of its own, which are not followed; simplify the model "
            "(onnxsim does), or export it without control flow"
        )
    feed = {n: v for n, v in zip(node.input, given, strict=True) if n and v is not None}
    outputs = [name for name in node.output if name]
    graph = helper.make_graph(
        [node],
        "constant",
        [_info(name, value) for name, value in feed.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    _check_size(model, feed)
    with np.errstate(all="ignore"):
        try:
            return list(ReferenceEvaluator(model, new_ops=old_operators(opset)).run(outputs, feed))
        except Exception as error:  # whatever the node's arithmetic raises
            what = " ".join(str(error).split())[:200] or type(error).__name__
            raise FoldError(f"cannot be worked out ({what}); export the model again") from None


def old_operators(opset: int) -> "list[type[OpRun]]":
    """Those of which the reference evaluator has no version as old as `opset`, for its `new_ops`.

    DequantizeLinear of opset 10 to 18, which onnxruntime writes for models of these opsets. Since
    then it can do more, but nothing differently.
    """
    from onnx.reference.ops.op_dequantize_linear import DequantizeLinear_19

    class DequantizeLinear(DequantizeLinear_19):
        op_domain = ""

        def _run(self, *given: Any, axis: Any = None, **_: Any) -> Any:
            return super()._run(*given, axis=1 if axis is None else axis)

    return [DequantizeLinear] if opset < 19 else []


def _info(name: str, value: NDArray[Any]) -> Any:
    from onnx import helper

    try:
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    except (KeyError, ValueError, TypeError):
        return helper.make_empty_tensor_value_info(name)
    return helper.make_tensor_value_info(name, kind, value.shape)


def _check_size(model: Any, feed: dict[str, NDArray[Any]]) -> None:
    """Refuse what would fill the memory, before it does."""
    from onnx import ModelProto, numpy_helper, shape_inference

    known = ModelProto()
    known.CopyFrom(model)
    for name, value in feed.items():
        if value.size <= _KNOWN and value.dtype.kind in "biuf":
            known.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    try:
        found = shape_inference.infer_shapes(known, data_prop=True).graph.output
    except Exception:  # a node that is wrong in itself; the evaluator says how
        return
    for value in found:
        dims = value.type.tensor_type.shape.dim
        size = prod(axis.dim_value if axis.HasField("dim_value") else 1 for axis in dims)
        if size > LARGEST:
            raise FoldError(
                f"gives a constant of {size} elements, and at most {LARGEST} are worked out; "
                f"export the model again"
            )


def unlike(
    shape: tuple[int | None, ...] | None, constants: Mapping[str, NDArray[Any]]
) -> Iterator[int]:
    """Stand-ins for open sizes: primes that are no size or number of a graph, smallest first."""
    seen = {size for size in shape or () if size}
    for value in constants.values():
        seen |= set(value.shape)
        if value.dtype.kind in "iu" and value.size <= _KNOWN:
            seen |= set(np.ravel(value).tolist())
    primes = (n for n in range(5, 1 << 20) if all(n % k for k in range(2, int(n**0.5) + 1)))
    return (n for n in primes if n not in seen)
