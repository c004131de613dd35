"""ONNX LSTM and GRU: against onnx's reference evaluator; and what is refused, by name."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

N_IN, N = 5, 4
ROUNDING = 2e-6
"""The evaluator computes in float32; outputs are about 1."""


class Graph:
    """A graph that is put together node by node; x is (steps, samples, features)."""

    def __init__(self, seed: int = 0, *, batch_first: bool = False, static: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.batch_first, self.static = batch_first, static

    def weight(self, name: str, *shape: int) -> str:
        self.constants[name] = self.rng.normal(0, 0.5, shape).astype(np.float32)
        return name

    def const(self, name: str, value: Any) -> str:
        self.constants[name] = np.asarray(value)
        return name

    def add(self, op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        name = f"{op}_{outputs[0]}"
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))

    def cells(
        self,
        op: str,
        x: str,
        outputs: list[str],
        *,
        n_in: int = N_IN,
        extra: list[str] | None = None,
        bias: bool = True,
        **attributes: Any,
    ) -> None:
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
        tag = outputs[0] or outputs[1]
        inputs = [
            x,
            self.weight(f"{tag}_w", 1, gates * N, n_in),
            self.weight(f"{tag}_r", 1, gates * N, N),
            self.weight(f"{tag}_b", 1, 2 * gates * N) if bias else "",
            *(extra or []),
        ]
        if op == "GRU":
            attributes = {"linear_before_reset": 1, **attributes}
        self.add(op, inputs, outputs, **{"hidden_size": N, **attributes})

    def head(self, x: str) -> None:
        self.add("MatMul", [x, self.weight("hw", N, 3)], ["hy"])
        self.add("Add", ["hy", self.weight("hb", 3)], ["y"])

    def proto(self) -> onnx.ModelProto:
        batch, steps = (3, 6) if self.static else ("b", "t")
        axes = [batch, steps, N_IN] if self.batch_first else [steps, batch, N_IN]
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, axes)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])

    def load(self, folder: Path) -> Model:
        onnx.save(self.proto(), folder / "net.onnx")
        return load_onnx(folder / "net.onnx")

    def agree(self, folder: Path) -> Model:
        """Load, and compare with the evaluator."""
        model = self.load(folder)
        x = self.rng.normal(0, 1, (3, 6, N_IN)).astype(np.float32)  # samples, steps
        fed = x if self.batch_first else x.transpose(1, 0, 2)
        outputs: Any = ReferenceEvaluator(self.proto()).run(None, {"x": fed})
        expected = outputs[0]
        got = model.predict(x)
        if model.head is None and not self.batch_first:
            got = got.transpose(1, 0, 2)
        assert np.abs(got - expected.reshape(got.shape)).max() < ROUNDING
        return model


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_every_step(tmp_path: Path, op: str, bias: bool) -> None:
    graph = Graph(1)
    graph.cells(op, "x", ["h"], bias=bias)
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.add("MatMul", ["s", graph.weight("m", N, 3)], ["a"])
    graph.add("Add", ["a", graph.weight("c", 3)], ["b"])
    graph.add("Relu", ["b"], ["y"])
    model = graph.agree(tmp_path)
    assert model.head is None
    assert [type(layer).__name__ for layer in model.layers] == ["FloatCells", "FloatDense"]


def test_peepholes(tmp_path: Path) -> None:
    graph = Graph(2)
    graph.cells("LSTM", "x", ["h"], extra=["", "", "", graph.weight("p", 1, 3 * N)])
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.head("s")
    layer = graph.agree(tmp_path).layers[0]
    assert isinstance(layer, FloatCells)
    assert layer.peephole is not None


@pytest.mark.parametrize("last", ["gather", "slice", "Y_h"])
@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_the_last_step(tmp_path: Path, op: str, last: str) -> None:
    graph = Graph(3)
    if last == "Y_h":
        graph.cells(op, "x", ["", "hn"])
        graph.add("Squeeze", ["hn", graph.const("zero", [0])], ["s"])
    else:
        graph.cells(op, "x", ["h"])
        graph.add("Squeeze", ["h", graph.const("one", [1])], ["all"])
        if last == "gather":
            graph.add("Gather", ["all", graph.const("i", np.int64(-1))], ["s"], axis=0)
        else:
            bounds = [graph.const(n, [v]) for n, v in (("a", -1), ("e", 1 << 40), ("x0", 0))]
            graph.add("Slice", ["all", *bounds], ["cut"])
            graph.add("Squeeze", ["cut", graph.const("zero", [0])], ["s"])
    graph.head("s")
    assert graph.agree(tmp_path).head == 1


def test_stacked_and_batch_first(tmp_path: Path) -> None:
    graph = Graph(4, batch_first=True)
    graph.add("Transpose", ["x"], ["t"], perm=[1, 0, 2])
    graph.cells("LSTM", "t", ["h"], activations=["Sigmoid", "Tanh", "Tanh"], direction="forward")
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.cells("GRU", "s", ["g"], n_in=N)
    graph.add("Squeeze", ["g", "one"], ["u"])
    graph.add("Transpose", ["u"], ["v"], perm=[1, 0, 2])
    graph.add("Gather", ["v", graph.const("i", np.int64(-1))], ["last"], axis=1)
    graph.head("last")
    model = graph.agree(tmp_path)
    assert len(model.layers) == 3
    assert model.head == 2


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_shapes_that_are_worked_out(tmp_path: Path, static: bool, last: bool) -> None:
    """As PyTorch's dynamo exporter does it: a Reshape that takes the axis of directions away."""
    graph = Graph(10, batch_first=True, static=static)
    graph.add("Transpose", ["x"], ["t"], perm=[1, 0, 2])
    graph.cells("GRU", "t", ["h"])
    graph.add("Transpose", ["h"], ["m"], perm=[0, 2, 1, 3])
    if static:
        graph.add("Reshape", ["m", graph.const("size", [6, 3, N])], ["r"])
    else:
        graph.add("Shape", ["m"], ["sh"])
        bounds = {name: graph.const(name, [v]) for name, v in (("z", 0), ("two", 2))}
        graph.add("Slice", ["sh", *bounds.values()], ["front"])
        graph.add("Concat", ["front", graph.const("w", [N])], ["size"], axis=0)
        graph.add("Reshape", ["m", "size"], ["r"])
    graph.add("Transpose", ["r"], ["s"], perm=[1, 0, 2])
    if last:
        graph.add("Gather", ["s", graph.const("i", np.int64(-1))], ["l"], axis=1)
    graph.add("MatMul", ["l" if last else "s", graph.weight("m2", N, 3)], ["a"])
    graph.add("Relu", ["a"], ["y"])
    assert graph.agree(tmp_path).head == (1 if last else None)


@pytest.mark.parametrize("op", ["Tanh", "Sigmoid"])
def test_functions_behind_fully_connected_layers(tmp_path: Path, op: str) -> None:
    graph = Graph(12)
    graph.add("MatMul", [all_steps(graph), graph.weight("m", N, 3)], ["a"])
    graph.add(op, ["a"], ["b"])
    graph.add("MatMul", ["b", graph.weight("n", 3, 2)], ["y"])
    layer = graph.agree(tmp_path).layers[1]
    assert isinstance(layer, FloatDense)
    assert layer.activation == op.lower()


def test_a_softmax_over_the_features_is_dropped(tmp_path: Path) -> None:
    graph = Graph(11)
    graph.add("MatMul", [all_steps(graph), graph.weight("m", N, 3)], ["a"])
    graph.add("Softmax", ["a"], ["y"], axis=2)
    assert "Softmax_y" in graph.load(tmp_path).notes[0]


@pytest.mark.parametrize("name", ["speech", "speech-pruned", "speech-gru", "speech-gru-pruned"])
def test_what_pytorch_exports(name: str) -> None:
    folder = Path(__file__).parents[4] / "examples" / "speech"
    model = load_onnx(folder / f"{name}.onnx")
    x = np.load(folder / "test.npz")["x"][:20].astype(np.float32)
    evaluator = ReferenceEvaluator(str(folder / f"{name}.onnx"))
    outputs: Any = evaluator.run(None, {"x": x})
    assert np.abs(model.predict(x) - outputs[0]).max() < 1e-5  # scores are about 10
    assert model.head == 1


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("LSTM", {"direction": "reverse"}, "direction reverse"),
    ("GRU", {"direction": "bidirectional"}, "direction bidirectional"),
    ("LSTM", {"clip": 3.0}, "clip"),
    ("LSTM", {"activation_alpha": [0.1]}, "activation_alpha"),
    ("LSTM", {"activation_beta": [0.1]}, "activation_beta"),
    ("LSTM", {"hidden_size": N + 1}, "hidden_size 5"),
    ("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "activations HardSigmoid"),
    ("GRU", {"activations": ["Sigmoid", "Relu"]}, "activations Sigmoid, Relu"),
    ("LSTM", {"input_forget": 1}, "input_forget 1"),
    ("GRU", {"linear_before_reset": 0}, "linear_before_reset 0"),
    ("LSTM", {"layout": 1}, "layout 1"),
    ("RNN", {}, "plain RNN"),
]


@pytest.mark.parametrize(("op", "given", "text"), REFUSED, ids=lambda v: str(v))
def test_attributes_are_refused_by_name(
    tmp_path: Path, op: str, given: dict[str, Any], text: str
) -> None:
    graph = Graph(5)
    graph.cells(op, "x", ["h"], **given)
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.head("s")
    with pytest.raises(ElsieError) as raised:
        graph.load(tmp_path)
    assert text in str(raised.value)
    assert "net.onnx: node" in str(raised.value)
    assert f"({op})" in str(raised.value)


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        (["lengths"], "sequence_lens"),
        (["", "ones"], "initial_h that is not zero"),
        (["", "zeros", "ones"], "initial_c that is not zero"),
    ],
)
@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_inputs_are_refused_by_name(tmp_path: Path, op: str, extra: list[str], text: str) -> None:
    if op == "GRU" and "initial_c" in text:
        pytest.skip("a GRU has no cell state")
    graph = Graph(6, static=True)
    graph.const("lengths", np.array([6, 6, 6], np.int32))
    graph.const("ones", np.ones((1, 3, N), np.float32))
    graph.const("zeros", np.zeros((1, 3, N), np.float32))
    graph.cells(op, "x", ["h"], extra=extra)
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.head("s")
    with pytest.raises(ElsieError, match=text):
        graph.load(tmp_path)


def test_zero_states_are_taken(tmp_path: Path) -> None:
    graph = Graph(7, static=True)
    graph.const("zeros", np.zeros((1, 3, N), np.float32))
    graph.cells("LSTM", "x", ["h"], extra=["", "zeros", "zeros"])
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.head("s")
    graph.agree(tmp_path)


def two_outputs(g: Graph) -> None:
    g.cells("LSTM", "x", ["h", "", "c"])
    g.add("Add", ["h", "c"], ["y"])


def the_first_step(g: Graph) -> None:
    g.cells("LSTM", "x", ["h"])
    g.add("Gather", ["h", g.const("i", np.int64(0))], ["y"], axis=0)


def flattened(g: Graph) -> None:
    g.cells("LSTM", "x", ["h"])
    g.add("Reshape", ["h", g.const("r", [-1, 6 * N])], ["y"])


def all_steps(g: Graph, op: str = "LSTM") -> str:
    """Cells whose outputs of every step are s, (steps, samples, features)."""
    g.cells(op, "x", ["h"])
    g.add("Squeeze", ["h", g.const("one", [1])], ["s"])
    return "s"


def relu_behind_cells(g: Graph) -> None:
    g.add("Relu", [all_steps(g)], ["r"])
    g.head("r")


def tanh_behind_cells(g: Graph) -> None:
    g.add("Tanh", [all_steps(g)], ["r"])
    g.head("r")


def relu_behind_the_last_step(g: Graph) -> None:
    g.add("MatMul", [all_steps(g), g.weight("m", N, 3)], ["a"])
    g.add("Gather", ["a", g.const("i", np.int64(-1))], ["l"], axis=0)
    g.add("Relu", ["l"], ["y"])


def softmax_over_samples(g: Graph) -> None:
    g.add("Softmax", [all_steps(g)], ["y"], axis=1)


def argmax_over_steps(g: Graph) -> None:
    g.add("ArgMax", [all_steps(g)], ["y"])


def flattened_samples(g: Graph) -> None:
    g.add("Flatten", [all_steps(g)], ["y"], axis=1)


def zeros_plus_ones(g: Graph) -> None:
    sizes = [g.const("a", [1]), "batch", g.const("n", [N])]
    g.add("Shape", ["x"], ["batch"], start=1, end=2)
    g.add("Concat", sizes, ["shape"], axis=0)
    g.add("ConstantOfShape", ["shape"], ["z"])
    g.add("Add", ["z", g.const("h0", np.ones((1, 1, N), np.float32))], ["hh"])
    g.cells("LSTM", "x", ["h"], extra=["", "hh", "z"])
    g.add("Squeeze", ["h", g.const("one", [1])], ["s"])
    g.head("s")


def wrong_peephole(g: Graph) -> None:
    g.cells("LSTM", "x", ["h"], extra=["", "", "", g.weight("p", 1, 2 * N)])
    g.add("Squeeze", ["h", g.const("one", [1])], ["y"])


def wrong_recurrence(g: Graph) -> None:
    g.cells("LSTM", "x", ["h"])
    g.constants["h_r"] = g.constants["h_r"][:, :, :-1]
    g.add("Squeeze", ["h", g.const("one", [1])], ["y"])


def no_recurrence(g: Graph) -> None:
    g.add("LSTM", ["x", g.weight("w", 1, 4 * N, N_IN)], ["h"], hidden_size=N)
    g.add("Squeeze", ["h", g.const("one", [1])], ["y"])


def an_empty_gather(g: Graph) -> None:
    g.add("Gather", [all_steps(g)], ["y"], axis=0)


def both_outputs(g: Graph) -> None:
    g.cells("LSTM", "x", ["h", "hn"])
    g.add("Add", ["h", "hn"], ["y"])


def turned(g: Graph) -> None:
    g.add("Transpose", ["x"], ["t"], perm=[0, 2, 1])
    g.cells("LSTM", "t", ["y"])


@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_scaled_inputs_go_into_the_gates(tmp_path: Path, op: str) -> None:
    graph = Graph(19)
    graph.add("Sub", ["x", graph.weight("mean", N_IN)], ["c"])
    graph.add("Mul", ["c", graph.weight("scale", N_IN)], ["d"])
    graph.cells(op, "d", ["h"])
    graph.add("Squeeze", ["h", graph.const("one", [1])], ["s"])
    graph.head("s")
    model = graph.agree(tmp_path)
    assert len(model.layers) == 2
    assert model.notes == ()


@pytest.mark.parametrize("build", [relu_behind_cells, tanh_behind_cells, relu_behind_the_last_step])
def test_functions_behind_cells(tmp_path: Path, build: Any) -> None:
    graph = Graph(18)
    build(graph)
    model = graph.agree(tmp_path)
    own = 0 if build is relu_behind_the_last_step else 1
    assert len([note for note in model.notes if "a layer of its own" in note]) == own


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (two_outputs, "takes the cell state of node LSTM_h"),
        (the_first_step, "steps other than the last"),
        (flattened, "mixes samples, steps and features"),
        (turned, r"axes \(steps, features, batch\)"),
        (softmax_over_samples, "axis 1, which mixes samples or steps; use axis -1"),
        (argmax_over_steps, "axis 0, which mixes samples or steps; use axis -1"),
        (flattened_samples, "Flatten.* mixes samples, steps and features"),
        (zeros_plus_ones, "initial_h that is not zero"),
        (wrong_peephole, r"peephole of shape \(1, 8\); it must be \(1, 12\)"),
        (wrong_recurrence, r"recurrent weight of shape \(1, 16, 3\)"),
        (no_recurrence, "lacks an input or an attribute"),
        (an_empty_gather, "lacks an input or an attribute"),
        (both_outputs, "adds values of different shapes"),
    ],
)
def test_graphs_are_refused(tmp_path: Path, build: Any, text: str) -> None:
    graph = Graph(8)
    build(graph)
    with pytest.raises(ElsieError, match=text):
        graph.load(tmp_path)


def test_a_layer_behind_the_last_step_is_refused(tmp_path: Path) -> None:
    graph = Graph(9)
    graph.cells("LSTM", "x", ["", "hn"])
    graph.cells("LSTM", "hn", ["h2"], n_in=N)
    graph.add("Squeeze", ["h2", graph.const("one", [1])], ["s"])
    graph.head("s")
    with pytest.raises(ElsieError, match="after the last step was taken"):
        graph.load(tmp_path)
