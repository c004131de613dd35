"""What moves sequences between layers, and what may not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from elsie.compress.model.float_cells import FloatCells
from golden.errors import ElsieError
from tests.elsie.compress.onnx.test_recurrent import N_IN, Graph, N, all_steps

BIG = 1 << 40


def two_layers(g: Graph, op: str = "LSTM") -> None:
    """Outputs h and u of two layers, (steps, 1, samples, features); states after the last step."""
    g.cells(op, "x", ["h", "hn"])
    g.add("Squeeze", ["h", g.const("one", [1])], ["s"])
    g.cells("GRU", "s", ["u", "un"], n_in=N)
    g.add("Concat", ["hn", "un"], ["states"], axis=0)


def rows(g: Graph, wanted: list[int]) -> str:
    """All samples and steps in one axis, a layer, and the two axes again."""
    g.add("Transpose", [all_steps(g)], ["t"], perm=[1, 0, 2])
    g.add("Reshape", ["t", g.const("flat", [-1, N])], ["r"])
    g.add("MatMul", ["r", g.weight("m", N, 3)], ["a"])
    g.add("Shape", ["x"], ["all"])
    g.add("Gather", ["all", g.const("which", wanted)], ["two"])
    g.add("Concat", ["two", g.const("three", [3])], ["size"], axis=0)
    return "size"


@pytest.mark.parametrize("how", ["gather", "slice", "split"])
@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_the_state_of_the_last_of_several_layers(tmp_path: Path, op: str, how: str) -> None:
    graph = Graph(21)
    two_layers(graph, op)
    if how == "gather":
        graph.add("Gather", ["states", graph.const("i", np.int64(-1))], ["l"], axis=0)
    elif how == "slice":
        bounds = [graph.const(n, [v]) for n, v in (("b", 1), ("e", BIG), ("x0", 0))]
        graph.add("Slice", ["states", *bounds], ["cut"])
        graph.add("Squeeze", ["cut", "x0"], ["l"])
    else:
        graph.add("Split", ["states"], ["first", "second"], axis=0)
        graph.add("Squeeze", ["second", graph.const("x0", [0])], ["l"])
    graph.head("l")
    model = graph.agree(tmp_path)
    assert model.head == 2
    assert [type(layer) for layer in model.layers[:2]] == [FloatCells, FloatCells]


def test_samples_and_steps_in_one_axis(tmp_path: Path) -> None:
    """As Keras' Dense does it with sequences."""
    graph = Graph(22)
    graph.add("Reshape", ["a", rows(graph, [1, 0])], ["b"])
    graph.add("Transpose", ["b"], ["y"], perm=[1, 0, 2])
    assert graph.agree(tmp_path).head is None


@pytest.mark.parametrize("single", [False, True])
def test_an_if_whose_condition_is_known(tmp_path: Path, single: bool) -> None:
    """As PyTorch writes squeeze: by the size of an axis."""
    graph = Graph(23, static=not single)
    bounds = [graph.const(n, [v]) for n, v in (("b", -1), ("e", BIG), ("x0", 0))]
    graph.add("Slice", [all_steps(graph), *bounds], ["cut"])
    graph.add("Shape", ["cut" if single else "x"], ["size"])
    graph.add("Gather", ["size", graph.const("i", np.int64(0))], ["first"])
    graph.add("Equal", ["first", graph.const("n", np.int64(1))], ["is"])
    branch(graph, "is", single)
    graph.head("z")
    assert graph.agree(tmp_path).head == 1


def branch(g: Graph, condition: str, taken: bool) -> None:
    """The last step without its axis if the condition holds as said, else twice that."""
    axis = helper.make_node("Constant", [], ["axis"], value_ints=[0])
    squeeze = [axis, helper.make_node("Squeeze", ["cut", "axis"], ["one_way"])]
    other = [
        helper.make_node("Constant", [], ["zero"], value_ints=[0]),
        helper.make_node("Squeeze", ["cut", "zero"], ["thin"]),
        helper.make_node("Add", ["thin", "thin"], ["other_way"]),
    ]
    info = helper.make_tensor_value_info
    graphs = [
        helper.make_graph(nodes, "g", [], [info(name, TensorProto.FLOAT, None)])
        for nodes, name in ((squeeze, "one_way"), (other, "other_way"))
    ]
    first, second = graphs if taken else graphs[::-1]
    g.add("If", [condition], ["z"], then_branch=first, else_branch=second)


def test_layers_of_one_cell(tmp_path: Path) -> None:
    """An axis of features of size 1."""
    graph = Graph(24)
    for n_in, x, outputs in ((N_IN, "x", ["h", ""]), (1, "s", ["", "hn"])):
        weights = [graph.weight(f"{x}_{w}", 1, 3, n) for w, n in (("w", n_in), ("r", 1))]
        options: dict[str, Any] = {"hidden_size": 1, "linear_before_reset": 1}
        graph.nodes.append(helper.make_node("GRU", [x, *weights], outputs, f"GRU_{x}", **options))
        if x == "x":
            graph.add("Squeeze", ["h", graph.const("x1", [1])], ["s"])
    graph.add("Squeeze", ["hn", graph.const("x0", [0])], ["l"])
    graph.add("MatMul", ["l", graph.weight("m", 1, 3)], ["y"])
    assert graph.agree(tmp_path).n_out == 3


def open_condition(g: Graph) -> None:
    g.add("Slice", [all_steps(g), *(g.const(n, [v]) for n, v in (("b", -1), ("e", BIG)))], ["cut"])
    g.add("Shape", ["x"], ["size"])
    g.add("Gather", ["size", g.const("i", np.int64(0))], ["steps"])
    g.add("Equal", ["steps", g.const("n", np.int64(1))], ["is"])
    branch(g, "is", True)
    g.head("z")


def first_layer(g: Graph) -> None:
    two_layers(g)
    g.add("Gather", ["states", g.const("i", np.int64(0))], ["l"], axis=0)
    g.head("l")


def both_layers(g: Graph) -> None:
    two_layers(g)
    g.add("Mul", ["states", g.const("half", np.float32(0.5))], ["y"])


def both_layers_out(g: Graph) -> None:
    two_layers(g)
    g.add("Transpose", ["states"], ["y"], perm=[1, 0, 2])


def wrong_way_back(g: Graph) -> None:
    g.add("Reshape", ["a", rows(g, [0, 1])], ["y"])


def loop(g: Graph) -> None:
    names = [("n", TensorProto.INT64), ("c", TensorProto.BOOL), ("v", TensorProto.FLOAT)]
    inputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in names]
    nodes = [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Tanh", ["v"], ["v2"])]
    outputs = [helper.make_tensor_value_info("c2", TensorProto.BOOL, None), inputs[2]]
    outputs[1] = helper.make_tensor_value_info("v2", TensorProto.FLOAT, None)
    body = helper.make_graph(nodes, "body", inputs, outputs)
    g.add("Transpose", ["x"], ["t"], perm=[1, 0, 2])
    g.add("Loop", [g.const("times", np.int64(2)), "", "t"], ["y"], body=body)


def projected(g: Graph) -> None:
    g.const("h0", np.zeros((1, 3, N), np.float32))
    g.const("c0", np.zeros((1, 3, N + 2), np.float32))
    g.cells("LSTM", "x", ["h"], extra=["", "h0", "c0"])
    g.add("Squeeze", ["h", g.const("one", [1])], ["y"])


def one_state_for_all(g: Graph) -> None:
    g.const("h0", np.zeros((1, 1, N), np.float32))
    g.cells("LSTM", "x", ["h"], extra=["", "h0"])
    g.add("Squeeze", ["h", g.const("one", [1])], ["y"])


def flat_bias(g: Graph) -> None:
    g.cells("LSTM", "x", ["h"])
    g.constants["h_b"] = g.constants["h_b"][0]
    g.add("Squeeze", ["h", g.const("one", [1])], ["y"])


def gemm_of_sequences(g: Graph) -> None:
    g.add("Gemm", [all_steps(g), g.weight("m", N, 3)], ["y"])


def features_first(g: Graph) -> None:
    g.add("Transpose", [all_steps(g)], ["y"], perm=[2, 0, 1])


def softmax_of_no_axis(g: Graph) -> None:
    g.add("Softmax", [all_steps(g)], ["y"], axis=5)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (open_condition, r"node If_z \(If\) is control flow"),
        (first_layer, "the graph branches behind LSTM_h: the output y"),
        (both_layers, r"Mul_y \(Mul\) takes the states of several layers; .*h_n\[-1\]"),
        (both_layers_out, "output y takes the states of several layers"),
        (wrong_way_back, "Reshape_y.* mixes samples, steps and features"),
        (loop, r"node Loop_y \(Loop\) is a loop.*reset_after=True"),
        (projected, r"initial_c of shape \(1, 3, 6\).*it must be \(1, 3, 4\).*proj_size"),
        (one_state_for_all, r"initial_h of shape \(1, 1, 4\).*it must be \(1, 3, 4\)"),
        (flat_bias, r"bias of shape \(32,\); it must be \(1, 32\)"),
        (gemm_of_sequences, "rank 3, and a Gemm takes .*MatMul"),
        (features_first, r"output y has axes \(features, steps, batch\)"),
        (softmax_of_no_axis, "has axis 5, but its input has rank 3"),
    ],
)
def test_graphs_are_refused(tmp_path: Path, build: Any, text: str) -> None:
    graph = Graph(25, static=build in (projected, one_state_for_all))
    build(graph)
    with pytest.raises(ElsieError, match=text):
        graph.load(tmp_path)
