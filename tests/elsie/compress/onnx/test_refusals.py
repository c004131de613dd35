"""What the ONNX importer refuses: one sentence with the file, the node and its op type."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

W = np.ones((4, 4), dtype=np.float32)
node = helper.make_node
GEMM = node("Gemm", ["x", "w"], ["y"], name="g")


def info(name: str, shape: Sequence[Any] | None = ("samples", 4)) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def build(
    nodes: Sequence[Any],
    inputs: Sequence[Any] = (info("x"),),
    outputs: Sequence[Any] = (info("y"),),
    sparse: Sequence[Any] = (),
    **constants: np.ndarray,
) -> Any:
    arrays = {"w": W, "nan": np.where(np.eye(4) > 0, np.nan, W), **constants}
    tensors = [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors, sparse_initializer=sparse)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def refused(proto: Any, folder: Path) -> str:
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ElsieError, match=re.escape(str(path))) as caught:
        load_onnx(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


NODES = {
    "elu": (
        [GEMM, node("Elu", ["y"], ["z"], name="s")],
        "node s (Elu) is a function that the engin",
    ),
    "softplus": (
        [GEMM, node("Softplus", ["y"], ["z"], name="l")],
        "node l (Softplus) is a function that the engine does not have; train with Relu, LeakyRelu",
    ),
    "silu": (
        [GEMM, node("Sigmoid", ["y"], ["i"]), node("Mul", ["y", "i"], ["z"], name="m")],
        "node m (Mul) multiplies or divides two values of the data (a gate, SiLU, softmax or atten",
    ),
    "gelu": ([GEMM, node("Erf", ["y"], ["z"], name="e")], "Erf is part of a Gelu"),
    "top": (
        [GEMM, node("TopK", ["y", "s"], ["z", "i"], name="k")],
        "node k (TopK) orders or selects by value, which no layer does",
    ),
    "integers": (
        [node("MatMulInteger", ["x", "w"], ["z"], name="q")],
        "node q (MatMulInteger) computes in integers: the model is quantised already",
    ),
    "integers of each feature": (
        [GEMM, node("QuantizeLinear", ["y", "v", "zero"], ["z"], name="q")],
        "node q (QuantizeLinear) gives integers, which only layers and what moves values can take",
    ),
    "convolution": (
        [node("Conv", ["x", "w"], ["z"], name="c")],
        "node c (Conv) has a weight of shape (4, 4)",
    ),
    "typed": (
        [node("Gemm", ["x", "w"], ["z"], name="g", transB="yes")],
        "node g (Gemm) has an attribute transB of type STRING; it must be INT",
    ),
    "perm": (
        [node("Transpose", ["w"], ["t"], perm=[0, 0], name="t"), node("Gemm", ["x", "t"], ["z"])],
        "node t (Transpose) cannot be worked out (",
    ),
    "cast of a constant": (
        [node("Cast", ["w"], ["t"], to=0, name="t"), node("Gemm", ["x", "t"], ["z"])],
        "node t (Cast) cannot be worked out (",
    ),
    "huge": (
        [
            node("ConstantOfShape", ["large"], ["t"], name="t"),
            node("Gemm", ["x", "t"], ["z"]),
        ],
        "node t (ConstantOfShape) gives a constant of 9000000000000 elements, and at most",
    ),
    "random": (
        [node("RandomNormalLike", ["w"], ["t"], name="t"), node("Gemm", ["x", "t"], ["z"])],
        "node t (RandomNormalLike) gives random numbers; export the model for inference",
    ),
    "zero": ([GEMM, node("Div", ["y", "o"], ["z"], name="d")], "node d (Div) divides by 0"),
    "one by": (
        [GEMM, node("Div", ["v", "y"], ["z"], name="d")],
        "node d (Div) divides by the data",
    ),
    "samples": (
        [GEMM, node("Add", ["y", "w"], ["z"], name="a")],
        "node a (Add) has a bias of shape (4, 4), which is not one number a feature",
    ),
    "turned": (
        [GEMM, node("Transpose", ["y"], ["z"], name="t")],
        "the output z has axes (features, batch), and samples must come first",
    ),
    "trilu": (
        [GEMM, node("Trilu", ["y"], ["z"], name="s")],
        "node s (Trilu) is not supported; a mo",
    ),
    "unnamed": ([node("Sin", ["x"], ["z"])], "node z (Sin) is a function that the engine does not"),
    "tanh before sizes": (
        [node("Tanh", ["u"], ["z"], name="t")],
        "node t (Tanh) comes before the first Gemm or MatMul, and the file does not say how many",
    ),
    "tanh behind softmax": (
        [GEMM, node("Softmax", ["y"], ["u"], name="s"), node("Tanh", ["u"], ["z"], name="t")],
        "node t (Tanh) follows node s (Softmax), which is supported only at the end",
    ),
    "domain": (
        [node("Gemm", ["x", "w"], ["z"], name="q", domain="my")],
        "node q (my.Gemm) belongs to my",
    ),
    "transA": ([node("Gemm", ["x", "w"], ["z"], name="g", transA=1)], "node g (Gemm) has transA=1"),
    "left": ([node("MatMul", ["w", "x"], ["z"], name="m")], "node m (MatMul) has its weight on th"),
    "square": ([node("MatMul", ["x", "x"], ["z"], name="m")], "its input x is computed from the"),
    "nan": ([node("Gemm", ["x", "nan"], ["z"], name="g")], "node g (Gemm) uses initialiser nan,"),
    "three axes": (
        [node("Unsqueeze", ["w", "s0"], ["u"]), node("MatMul", ["x", "u"], ["z"], name="m")],
        "node m (MatMul) has a weight of shape (1, 4, 4); it must be a matrix",
    ),
    "width": ([node("MatMul", ["x", "w3"], ["z"], name="m")], "node m (MatMul) takes 3 features, "),
    "bias": ([node("Gemm", ["x", "w", "w3"], ["z"], name="g")], "node g (Gemm) has a bias of shap"),
    "cast": ([node("Cast", ["x"], ["z"], name="c", to=7)], "node c (Cast) casts to INT64; only"),
    "flatten": ([node("Flatten", ["x"], ["z"], name="f", axis=0)], "node f (Flatten) has axis 0"),
    "reshape": ([node("Reshape", ["x", "s"], ["z"], name="r")], "node r (Reshape) has shape [2, -"),
    "argmax": ([node("ArgMax", ["x"], ["z"], name="a")], "node a (ArgMax) has axis 0, which mixes"),
    "softmax": (
        [node("Softmax", ["x"], ["y"], name="s"), node("Relu", ["y"], ["z"], name="r")],
        "node r (Relu) follows node s (Softmax), which is supported only at the end",
    ),
    "dropout": ([node("Dropout", ["x", "", "true"], ["z"], name="d")], "node d (Dropout) is in tr"),
    "broken": ([node("MatMul", ["x"], ["z"], name="m")], "node m (MatMul) lacks an input"),
    "text": ([node("Gemm", ["x", "text"], ["z"], name="g")], "node g (Gemm) has a weight of type"),
    "empty": ([node("Gemm", ["x", "empty"], ["z"], name="g")], "node g (Gemm) has an empty weight"),
    "nothing": ([node("Identity", ["x"], ["z"])], "it has no fully connected layer"),
    "branch": (
        [GEMM, node("Relu", ["y"], ["r"], name="r"), node("Add", ["y", "r"], ["z"])],
        "node z (Add) joins two branches: the graph branches, with layers between, and only a chai",
    ),
    "two layers": (
        [
            node("Relu", ["x"], ["a"], name="r"),
            node("Tanh", ["x"], ["b"], name="t"),
            node("Add", ["a", "b"], ["z"]),
        ],
        "the graph branches behind the input: node t (Tanh) takes its values, and layer r too",
    ),
}


@pytest.mark.parametrize("case", NODES)
def test_nodes(tmp_path: Path, case: str) -> None:
    nodes, message = NODES[case]
    output = nodes[-1].output[0]
    proto = build(
        nodes,
        inputs=[info("x")] if case != "tanh before sizes" else [info("u", None)],
        outputs=[info(output, None)],
        v=np.ones(4, np.float32),
        zero=np.zeros(4, np.int8),
        w3=np.ones((3, 4), np.float32),
        s=np.array([2, -1]),
        o=np.zeros(4, np.float32),
        s0=np.array([0]),
        large=np.array([3_000_000, 3_000_000]),
        true=np.array(True),
        text=np.array([["a"]], dtype=object),
        empty=np.ones((4, 0), np.float32),
    )
    proto.opset_import.append(helper.make_opsetid("my", 1))
    assert message in refused(proto, tmp_path)


def test_inputs_and_outputs(tmp_path: Path) -> None:
    two = build([GEMM], inputs=[info("x"), info("u")])
    assert "the graph has 2 inputs (x, u) and only one can be used" in refused(two, tmp_path)
    two = build([GEMM], outputs=[info("y"), info("x")])
    assert "the graph has 2 outputs (y, x) and only one can be used" in refused(two, tmp_path)
    other = build([GEMM], outputs=[info("u")])
    assert "the output u does not depend on the input x" in refused(other, tmp_path)
    circle = build(
        [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], outputs=[info("b")]
    )
    assert "the graph has a cycle at node b (Relu)" in refused(circle, tmp_path)
    image = build([GEMM], inputs=[info("x", ("samples", 2, 2))])
    assert "node g (Gemm) takes an input of rank 3" in refused(image, tmp_path)


@pytest.mark.parametrize("samples", [2, 5, 7, 11, 13])
def test_a_fixed_number_of_samples_is_refused(tmp_path: Path, samples: int) -> None:
    """Whatever number stands in for the open one inside."""
    nodes = [node("Reshape", ["x", "to"], ["r"], name="r"), node("Gemm", ["r", "w"], ["y"])]
    message = refused(build(nodes, to=np.array([samples, 4])), tmp_path)
    assert f"node r (Reshape) has shape [{samples}, 4], which mixes samples" in message


def test_control_flow(tmp_path: Path) -> None:
    body = helper.make_graph([node("Relu", ["y"], ["b"])], "b", [], [info("b", None)])
    branch = node("If", ["flag"], ["z"], name="i", then_branch=body, else_branch=body)
    chosen = [node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["flag"], to=9), GEMM, branch]
    message = refused(build(chosen, outputs=[info("z", None)]), tmp_path)
    assert "node i (If) is control flow, which is not followed" in message
    trips = build(
        [node("Loop", ["", "", "x"], ["z"], name="l", body=body)], outputs=[info("z", None)]
    )
    assert "node l (Loop) is a loop, which is not followed" in refused(trips, tmp_path)


def test_names_are_unique(tmp_path: Path) -> None:
    twice = build([GEMM])
    twice.graph.initializer.append(numpy_helper.from_array(W, "w"))
    assert "an initialiser and an initialiser share the name w" in refused(twice, tmp_path)
    both = build([node("Relu", ["x"], ["w"], name="r"), GEMM])
    assert "node r (Relu) and an initialiser share the name w" in refused(both, tmp_path)
    producers = build([GEMM, node("Relu", ["x"], ["y"], name="r")])
    assert "node r (Relu) and node g (Gemm) share the name y" in refused(producers, tmp_path)
    itself = build([node("Gemm", ["x", "w"], ["x"], name="g")], outputs=[info("x")])
    assert "node g (Gemm) and an input share the name x" in refused(itself, tmp_path)


def test_initialisers_listed_as_inputs_are_no_inputs(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(build([GEMM], inputs=[info("x"), info("w")]).SerializeToString())
    assert load_onnx(path).n_in == 4


@pytest.mark.parametrize("index", [[3, 2], [0, 16], [-1, 2], [1, 1], [[0, 4], [1, 0]], [[0], [1]]])
def test_sparse_indices(tmp_path: Path, index: list) -> None:
    coo = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(2, np.float32), "s"),
        numpy_helper.from_array(np.array(index, dtype=np.int64), "i"),
        (4, 4),
    )
    proto = build([node("Gemm", ["x", "s"], ["y"], name="g")], sparse=[coo])
    assert "sparse initialiser s has indices that are out of range" in refused(proto, tmp_path)


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ElsieError, match=r"none\.onnx: no such file"):
        load_onnx(tmp_path / "none.onnx")
    with pytest.raises(ElsieError, match="cannot be read"):
        load_onnx(tmp_path)
    for content in (b"this is text, not a model", b""):
        path = tmp_path / "text.onnx"
        path.write_bytes(content)
        with pytest.raises(ElsieError, match=r"text\.onnx: not an ONNX file"):
            load_onnx(path)


def test_missing_external_data(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    save_model(
        build([GEMM]), path, save_as_external_data=True, location="net.onnx.data", size_threshold=0
    )
    (tmp_path / "net.onnx.data").write_bytes(b"")
    with pytest.raises(ElsieError, match="external data cannot be read"):
        load_onnx(path)
    (tmp_path / "net.onnx.data").unlink()
    with pytest.raises(ElsieError, match=r"own, net\.onnx\.data, which is missing; put it"):
        load_onnx(path)


def test_damaged_initialiser(tmp_path: Path) -> None:
    proto = build([GEMM])
    proto.graph.initializer[0].raw_data = b"123"
    assert "initialiser w cannot be read" in refused(proto, tmp_path)
    constant = build([node("Constant", [], ["k"], name="c", value_string="a"), GEMM])
    assert "node c (Constant) has no numeric value" in refused(constant, tmp_path)


def test_damaged_files_never_raise_anything_else(tmp_path: Path) -> None:
    """Cut off or with bytes changed, a file still loads or is refused in one line."""
    random = np.random.default_rng(1)
    whole = build([GEMM, node("Relu", ["y"], ["z"])], outputs=[info("z")]).SerializeToString()
    path = tmp_path / "net.onnx"
    messages = []
    for trial in range(300):
        content = bytearray(whole[: random.integers(len(whole))] if trial % 3 == 0 else whole)
        for place in random.integers(max(1, len(content)), size=trial % 3):
            content[place] = random.integers(256)
        path.write_bytes(bytes(content))
        try:
            load_onnx(path)
        except ElsieError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all(str(path) in message and "\n" not in message for message in messages)


def test_names_that_cannot_be_printed_are_escaped_everywhere(tmp_path: Path) -> None:
    """In the importer's message, in a layer's name, and so in what later steps say of it."""
    strange = "fc\n1\x1b[2J"
    proto = build([node("Gemm", ["x", "w"], ["y"], name=strange)])
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    (layer,) = load_onnx(tmp_path / "net.onnx").layers
    assert layer.name == r"fc\n1\x1b[2J"
    bad = refused(build([node("Gemm", ["x", "nan"], ["y"], name=strange)]), tmp_path)
    assert r"node fc\n1\x1b[2J (Gemm)" in bad
    branched = refused(
        build([node("Gemm", ["x", "w"], ["y\n2"], name="a"), node("Elu", ["y\n2"], ["y"])]),
        tmp_path,
    )
    assert "(Elu)" in branched
    assert str(ElsieError("layer a\nb\udc80")) == r"layer a\nb\udc80"
