"""Networks with LSTM and GRU layers as ONNX graphs, from x (samples, steps, n_in)."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from golden.errors import ElsieError
from golden.kinds import LayerKind

NODES = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
"""Activation functions as ONNX operators; without one there is no node."""
_ORDER = {LayerKind.LSTM: [0, 3, 1, 2], LayerKind.GRU: [0, 1, 2]}
"""ONNX has i, o, f, c and z, r, h."""


def sequences(model: Model) -> onnx.GraphProto:
    """Steps first inside; with a head y is (samples, n_out), else (samples, steps, n_out).

    Raises ElsieError for a projection, which no ONNX file holds.
    """
    graph = _Graph()
    graph.add("Transpose", ["x"], "x.steps", perm=[1, 0, 2])
    for number, layer in enumerate(model.layers):
        if number == model.head:
            graph.last()
        graph.layer(layer)
    if model.head is None:
        graph.add("Transpose", [graph.live], "y", perm=[1, 0, 2])
    elif model.head == len(model.layers):
        graph.last()
    graph.nodes[-1].output[0] = "y"
    axes = ["samples", "steps"]
    return helper.make_graph(
        graph.nodes,
        model.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*axes, model.n_in])],
        [
            helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, [*axes[: 1 + (model.head is None)], model.n_out]
            )
        ],
        graph.constants,
    )


class _Graph:
    """Nodes in a row, and their constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.live = "x"

    def add(
        self, op: str, inputs: list[str], out: str, *, name: str = "", **attributes: Any
    ) -> None:
        """A node, whose output is what the next one takes; its name is that, or a layer's."""
        self.nodes.append(helper.make_node(op, inputs, [out], name=name or out, **attributes))
        self.live = out

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """A constant's name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def last(self) -> None:
        """The last step only."""
        self.add("Gather", [self.live, self.constant("last", -1, np.int64)], "x.last", axis=0)

    def layer(self, layer: Any) -> None:
        """One layer."""
        if isinstance(layer, FloatCells):
            self._cells(layer)
            return
        assert isinstance(layer, FloatDense)
        weight = self.constant(f"{layer.name}.weight", layer.weight.T)
        self.add("MatMul", [self.live, weight], f"{layer.name}.product", name=layer.name)
        bias = self.constant(f"{layer.name}.bias", layer.bias)
        self.add("Add", [self.live, bias], f"{layer.name}.sums")
        if layer.activation in NODES:
            self.add(NODES[layer.activation], [self.live], f"{layer.name}.out")

    def _cells(self, layer: FloatCells) -> None:
        if layer.projection is not None:
            raise ElsieError(f"layer {layer.name}: it has a projection, and ONNX has none")
        name, order, op = layer.name, _ORDER[layer.kind], layer.kind.value.upper()

        def flat(gates: Reals) -> Reals:
            return gates[order].reshape(1, -1, *gates.shape[2:])

        beside = np.zeros_like(layer.bias)
        if layer.bias_recurrent is not None:
            beside[-1] = layer.bias_recurrent
        inputs = [
            self.live,
            self.constant(f"{name}.weight", flat(layer.weight)),
            self.constant(f"{name}.recurrent", flat(layer.recurrent)),
            self.constant(f"{name}.bias", np.hstack((flat(layer.bias), flat(beside)))),
        ]
        if layer.peephole is not None:
            looks = layer.peephole[[0, 2, 1]].reshape(1, -1)
            inputs += ["", "", "", self.constant(f"{name}.peephole", looks)]
        more = {} if op == "LSTM" else {"linear_before_reset": 1}
        self.add(op, inputs, f"{name}.every", name=name, hidden_size=layer.n_cells, **more)
        axis = self.constant(f"{name}.axis", [1], np.int64)
        self.add("Squeeze", [self.live, axis], f"{name}.out")
