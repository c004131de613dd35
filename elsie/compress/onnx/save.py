"""Networks to ONNX files."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.save_cells import NODES, sequences


def save_onnx(model: Model, path: Path, *, sparse: bool = False) -> None:
    """Write weights in float32; of fully connected networks dense or as sparse initialisers.

    Equal models give equal files. Raises ElsieError for what no ONNX file holds.
    """
    graph = sequences(model) if model.recurrent else _vectors(model, sparse=sparse)
    graph.name = path.stem
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString(deterministic=True))


def _vectors(model: Model, *, sparse: bool) -> onnx.GraphProto:
    """Gemm nodes and functions."""
    nodes, initialisers, sparse_initialisers, live = [], [], [], "x"
    for number, layer in enumerate(model.layers, start=1):
        assert isinstance(layer, FloatDense)
        last = number == len(model.layers)
        steps = [("Gemm", "sums"), (NODES.get(layer.activation), "out")]
        for op, suffix in ((op, suffix) for op, suffix in steps if op):
            ends = last and (suffix == "out" or layer.activation == "identity")
            out = "y" if ends else f"{layer.name}.{suffix}"
            nodes.append(_node(op, live, out, layer.name))
            live = out
        values = layer.weight.astype(np.float32)
        bias = numpy_helper.from_array(layer.bias.astype(np.float32), f"{layer.name}.bias")
        initialisers.append(bias)
        if sparse:
            sparse_initialisers.append(_sparse(values, f"{layer.name}.weight"))
        else:
            initialisers.append(numpy_helper.from_array(values, f"{layer.name}.weight"))
    return helper.make_graph(
        nodes,
        model.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["samples", model.n_in])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["samples", model.n_out])],
        initialisers,
        sparse_initializer=sparse_initialisers,
    )


def _node(op: str, given: str, out: str, layer: str) -> onnx.NodeProto:
    if op == "Gemm":
        inputs = [given, f"{layer}.weight", f"{layer}.bias"]
        return helper.make_node(op, inputs, [out], name=layer, transB=1)
    return helper.make_node(op, [given], [out], name=f"{layer}.{op.lower()}")


def _sparse(values: Any, name: str) -> onnx.SparseTensorProto:
    index = np.flatnonzero(values)
    return helper.make_sparse_tensor(
        numpy_helper.from_array(values.reshape(-1)[index], name),
        numpy_helper.from_array(index, f"{name}.indices"),
        values.shape,
    )
