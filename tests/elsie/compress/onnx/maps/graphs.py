"""Graphs on maps from a list of nodes, and their comparison with onnx's reference evaluator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx

node = helper.make_node


def build(nodes: Sequence[Any], shape: Sequence[Any], *, output: Any = "y", **arrays: Any) -> Any:
    """From x, of this shape without samples; floats become float32."""
    constants = [
        numpy_helper.from_array(np.asarray(v, np.float32 if np.asarray(v).dtype == float else None))
        for v in arrays.values()
    ]
    for name, tensor in zip(arrays, constants, strict=True):
        tensor.name = name
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in [output]],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def load(proto: Any, folder: Path) -> Model:
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return load_onnx(path)


def agrees(proto: Any, folder: Path, *, close: float = 1e-5) -> Model:
    """The model, which gives what the evaluator gives."""
    model = load(proto, folder)
    shape = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim[1:]]
    x = np.random.default_rng(7).normal(size=(3, *shape)).astype(np.float32)
    found: Any = ReferenceEvaluator(proto).run(None, {"x": x})
    got = model.predict(x)
    wanted = found[0].reshape(got.shape)
    assert np.abs(got - wanted).max() < close * max(1.0, np.abs(wanted).max())
    return model


def maps(model: Model) -> list[FloatConv]:
    """Its layers on maps."""
    return [layer for layer in model.layers if isinstance(layer, FloatConv)]


def geometry(source: ConvSource) -> tuple[Any, ...]:
    """Kernel, stride, pads and groups."""
    return source.weight.shape, source.stride, source.pads, source.groups


def real(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)
