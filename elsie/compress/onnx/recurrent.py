"""ONNX models with LSTM or GRU layers.

Exporters wrap such a layer in transpositions, in shapes computed from the input's, and in zero
states of such shapes. So the importer tracks what each value is: a constant, a shape, zeros, or the
data, with a name for each of its axes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from elsie.compress.onnx.axes import MOVES, DataFollower, Move
from elsie.compress.onnx.file import attributes, constant_value, describe, shape_of
from elsie.compress.onnx.values import BATCH, FEATURES, ONE, STEPS, Data, Zeros
from golden.errors import ElsieError
from golden.kinds import LayerKind

_REORDER = {LayerKind.LSTM: [0, 2, 3, 1], LayerKind.GRU: [0, 1, 2]}
"""ONNX has i, o, f, c and z, r, h."""


class RecurrentImporter(DataFollower):
    """Takes the layers of a graph with LSTM or GRU nodes.

    They may be stacked, with or without peepholes, in either order of batch and steps. Layers
    after the selection of the last step run only then.
    """

    def run(self) -> Model:
        """The model."""
        first = self._order()
        self.sizes = dict(zip(first, shape_of(self.graph.input) or (), strict=False))
        self.values[self.graph.input.name] = Data(first)
        for node in self.graph.nodes:
            self._node(node)
        result = self.values.get(self.graph.output)
        if not isinstance(result, Data):
            raise ElsieError(
                f"{self.graph.path}: the output {self.graph.output} does not come from the layers; "
                f"export the model again"
            )
        model = self.model()
        return Model(name=model.name, layers=model.layers, notes=model.notes, head=self.head)

    def _order(self) -> tuple[str, ...]:
        """Whether samples or steps come first: a transposition before the first layer decides."""
        name = self.graph.input.name
        for node in self.graph.nodes:
            if name in node.input and node.op_type == "Transpose":
                return (BATCH, STEPS, FEATURES)
        return (STEPS, BATCH, FEATURES)

    def _node(self, node: Any) -> None:
        """One node: constants are folded, shapes computed, the data tracked."""
        given = [self._value(node, name) for name in node.input]
        data = [value for value in given if isinstance(value, Data)]
        kind = node.op_type
        if kind == "Constant":
            value = constant_value(self.graph.path, node, attributes(node))
            self.file.constants[node.output[0]] = value
        elif kind == "Shape" and data:
            self._set(node, self._shape(data[0], attributes(node)))
        elif not data and all(value is None or isinstance(value, np.ndarray) for value in given):
            self._fold(node, given)
        elif not data:
            self._set(node, self._work_out(node, given))
        else:
            self._follow(node, data)

    def _follow(self, node: Any, data: list[Data]) -> None:
        """A node on the data."""
        names = [name for name in node.input if isinstance(self.values.get(name), Data)]
        for name in names:
            if name in self.taken:
                self.refuse(
                    node,
                    f"takes {name}, which {describe(self.taken[name])} takes too; only a chain of "
                    f"layers can be used",
                )
            self.taken[name] = node
        if len(data) > 1:
            self.refuse(node, "joins two branches; only a chain of layers can be used")
        axes = data[0].axes
        own = _OWN.get(node.op_type)
        if node.op_type == "RNN":
            self.refuse(node, "is a plain RNN, which is not supported; use an LSTM or a GRU")
        if own is not None:
            if self.dropped and own is not MOVES["Softmax"]:
                self.refuse(node, f"follows {self.dropped}, which is supported only at the end")
            try:
                own(self, node, axes)
            except (IndexError, KeyError):
                self.refuse(node, "lacks an input or an attribute; export the model again")
            return
        if axes[-1] != FEATURES:
            self.refuse(node, "does not work on the features; they must be the last axis")
        self.take(node)
        self._set(node, Data(axes))

    def cells(self, node: Any, axes: tuple[str, ...]) -> None:
        """An LSTM or GRU node."""
        lstm, given = node.op_type == "LSTM", attributes(node)
        self._check(node, given, axes)
        self.close("identity")
        kind = LayerKind.LSTM if lstm else LayerKind.GRU
        names = [*node.input, *[""] * (8 - len(node.input))]
        weight = self._gates(node, 1, kind)
        recurrent = self._gates(node, 2, kind)
        n, gates = weight.shape[1], 4 if lstm else 3
        if recurrent.shape != (gates, n, n):
            raw = self.file.constants[node.input[2]]
            self.refuse(
                node,
                f"has a recurrent weight of shape {raw.shape}; it must be (1, {gates * n}, {n})",
            )
        if given.get("hidden_size", n) != n:
            self.refuse(node, f"has hidden_size {given['hidden_size']}, but weights for {n} cells")
        bias = np.zeros((2, gates, n))
        if names[3]:
            flat = self.constant(node, 3, "bias")
            if flat.size != 2 * gates * n:
                self.refuse(
                    node, f"has a bias of shape {flat.shape}; it must be (1, {2 * gates * n})"
                )
            bias = flat.reshape(2, gates, n)[:, _REORDER[kind]]
        total, inner = bias.sum(axis=0), None
        if not lstm:
            total[2], inner = bias[0, 2], bias[1, 2]
        peephole = None
        if lstm and names[7]:
            raw = self.constant(node, 7, "peephole")
            if raw.shape != (1, 3 * n):
                self.refuse(node, f"has a peephole of shape {raw.shape}; it must be (1, {3 * n})")
            i, o, f = raw.reshape(3, n)
            peephole = np.stack((i, f, o))
        if weight.shape[2] != (self.features or self.inputs or weight.shape[2]):
            self.refuse(
                node,
                f"takes {weight.shape[2]} features, but its input has "
                f"{self.features or self.inputs}; export the model again",
            )
        self.layers.append(
            FloatCells(
                name=self.free_name(node, node.op_type.lower()),
                kind=kind,
                weight=weight,
                recurrent=recurrent,
                bias=total,
                bias_recurrent=inner,
                peephole=peephole,
            )
        )
        self.features = n
        self._outputs(node)

    def _gates(self, node: Any, number: int, kind: LayerKind) -> NDArray[np.float64]:
        """A weight (1, gates x n, columns) as (gates, n, columns) in our order."""
        raw = self.constant(node, number, "weight")
        gates = len(_REORDER[kind])
        if raw.ndim != 3 or raw.shape[0] != 1 or raw.shape[1] % gates or not raw.size:
            self.refuse(
                node, f"has a weight of shape {raw.shape}; it must be (1, gates x n, columns)"
            )
        return raw[0].reshape(gates, -1, raw.shape[2])[_REORDER[kind]]

    def _outputs(self, node: Any) -> None:
        """Which of the outputs is used."""
        names = [*node.output, "", "", ""][:3]
        used = [
            bool(name)
            and (name == self.graph.output or any(name in n.input for n in self.graph.nodes))
            for name in names
        ]
        if used[2] or used[:2] == [True, True]:
            self.refuse(
                node,
                "gives more than one output, or its cell state; only a chain of layers can be used",
            )
        self.values[names[0] or "?"] = Data((STEPS, ONE, BATCH, FEATURES))
        if used[1]:
            self.last(node)
            self.values[names[1]] = Data((ONE, BATCH, FEATURES))

    def _check(self, node: Any, given: dict[str, Any], axes: tuple[str, ...]) -> None:
        """Refuse attributes that ONNX allows but the engine cannot do."""
        lstm = node.op_type == "LSTM"
        direction = given.get("direction", b"forward").decode()
        if direction != "forward":
            self.refuse(
                node, f"has direction {direction}; only forward is supported, so train it that way"
            )
        for name in ("clip", "activation_alpha", "activation_beta"):
            if name in given:
                self.refuse(node, f"has {name}, which is not supported; export it without")
        usual = ["Sigmoid", "Tanh", "Tanh"] if lstm else ["Sigmoid", "Tanh"]
        functions = [name.decode() for name in given.get("activations", [])]
        if functions and functions != usual:
            self.refuse(
                node,
                f"has activations {', '.join(functions)}; only {', '.join(usual)} are supported",
            )
        if given.get("layout", 0):
            self.refuse(node, "has layout 1; export it with layout 0, steps first")
        if lstm and given.get("input_forget", 0):
            self.refuse(node, "has input_forget 1, which is not supported; export it with 0")
        if not lstm and not given.get("linear_before_reset", 0):
            self.refuse(
                node,
                "has linear_before_reset 0, which is not supported; PyTorch, and Keras with "
                "reset_after=True, export 1",
            )
        if len(node.input) > 4 and node.input[4]:
            self.refuse(node, "has sequence_lens, which is not supported; give lengths as data")
        for number, what in ((5, "initial_h"), (6, "initial_c")):
            if len(node.input) > number and node.input[number]:
                value = self._value(node, node.input[number])
                zero = isinstance(value, np.ndarray) and not value.any()
                if not zero and not isinstance(value, Zeros):
                    self.refuse(
                        node, f"has an {what} that is not zero; a sequence starts from zero"
                    )
        if self.head is not None:
            self.refuse(node, "comes after the last step was taken; it needs all steps")
        if axes != (STEPS, BATCH, FEATURES):
            self.refuse(
                node,
                f"takes axes ({', '.join(axes)}); with layout 0 they must be (steps, batch, "
                f"features)",
            )


_OWN: Mapping[str, Move] = {
    **MOVES,
    "LSTM": RecurrentImporter.cells,
    "GRU": RecurrentImporter.cells,
}
"""By operator name; the other operators do not depend on the axes."""
