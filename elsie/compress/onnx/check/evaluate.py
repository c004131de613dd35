"""An import with LSTM, GRU or convolution layers, compared with what onnx's evaluator makes of it.

Exporters write wrong files too: with a projection, PyTorch writes weights that are cut short, and
only a state's shape tells. So what Elsie takes must pass onnx's strict shape inference, run in the
reference evaluator, and give the same outputs there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.model import Model
from elsie.compress.onnx.constants import old_operators
from elsie.compress.onnx.file import OnnxGraph
from elsie.compress.onnx.nodes import describe, one_line
from elsie.compress.onnx.values import BATCH, STEPS
from golden.errors import ElsieError

_OPEN = {BATCH: 2, STEPS: 3}
"""Sizes in place of open ones."""
_LONGEST = 100
"""Steps over which float32 and float64 stay together in any network."""
_CLOSE = 0.01
"""Of the largest output: the file may compute in 16 bits."""


def check_model(graph: OnnxGraph, axes: tuple[str, ...], model: Model, answer: str) -> None:
    """Raise ElsieError unless the model computes the value `answer` of the graph.

    axes: names of the input's axes.
    """
    _check_domains(graph)
    _check_shapes(graph)
    shape = graph.shape or (None,) * len(axes)
    sizes = [size or _OPEN.get(a, model.n_in) for a, size in zip(axes, shape, strict=True)]
    x = np.random.default_rng(0).normal(0, 1, sizes).astype(np.float32)
    found = _evaluate(graph, x, answer)
    if model.grids or dict(zip(axes, sizes, strict=True)).get(STEPS, 0) > _LONGEST:
        return  # float32 and float64 may fall on two sides of a grid's step, or part
    first = axes.index(BATCH) == 0
    got = model.predict(x if first else x.swapaxes(0, 1))
    found = found.reshape(got.shape) if found.size == got.size and not model.recurrent else found
    orders = [got] if got.ndim < 3 else [got, got.swapaxes(0, 1)]
    worst = min(_distance(order, found) for order in orders)
    if worst > _CLOSE:
        raise ElsieError(
            f"{graph.path}: the import does not compute what the file does (outputs differ by "
            f"{worst:.2g} of the largest); please report it, with the file, as a fault of Elsie"
        )


def _check_domains(graph: OnnxGraph) -> None:
    """Operators that onnx itself does not have, such as QONNX's Quant, it cannot run."""
    for node in graph.nodes:
        if not f"{node.domain or 'ai.onnx'}.".startswith("ai.onnx."):
            raise ElsieError(
                f"{graph.path}: {describe(node)} is not supported in a model with LSTM or GRU "
                f"layers, or with maps, whose import is compared with onnx's reference evaluator, "
                f"which cannot run it; export the float model, or QuantizeLinear and "
                f"DequantizeLinear"
            )


def _check_shapes(graph: OnnxGraph) -> None:
    """Shapes that follow from the input's; what the file itself says of them is left out."""
    from onnx import ModelProto, shape_inference

    bare = ModelProto()
    bare.CopyFrom(graph.proto)
    bare.graph.ClearField("value_info")
    for value in bare.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # whatever it refuses
        raise ElsieError(
            f"{graph.path}: not a valid graph: onnx's shape inference says {one_line(error)}; "
            f"export the model again"
        ) from None


def _evaluate(graph: OnnxGraph, x: NDArray[np.float32], answer: str) -> NDArray[Any]:
    """The value `answer` for an input."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    value = next(v for v in graph.proto.graph.input if v.name == graph.input)
    kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    try:
        with np.errstate(all="ignore"):
            evaluator = ReferenceEvaluator(graph.proto, new_ops=old_operators(graph.opset))
            found: Any = evaluator.run([answer], {graph.input: x.astype(kind)})
    except Exception as error:  # whatever its arithmetic raises
        raise ElsieError(
            f"{graph.path}: onnx's reference evaluator cannot run the graph "
            f"({type(error).__name__}: {one_line(error)}); export the model again"
        ) from None
    return np.asarray(found[0], dtype=np.float64)


def _distance(got: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Largest difference, of the largest value; infinite if there are more or fewer."""
    if got.size != wanted.size:
        return np.inf
    largest = max(1e-6, float(np.abs(wanted).max()))
    return float(np.abs(got.ravel() - wanted.ravel()).max()) / largest
