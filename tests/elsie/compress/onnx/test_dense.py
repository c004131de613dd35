"""ONNX import: against onnx's reference evaluator, and dense against sparse."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx

_RANDOM = np.random.default_rng(7)
W1, W2, B1, B2, X = (
    _RANDOM.normal(size=shape).astype(np.float32) for shape in ((5, 4), (3, 5), (5,), (3,), (6, 4))
)
node = helper.make_node


def build(
    nodes: Sequence[Any],
    constants: dict[str, np.ndarray],
    shape: Sequence[Any] = ("samples", 4),
    sparse: Sequence[Any] = (),
) -> ModelProto:
    """A model from input x to output y."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
        sparse_initializer=sparse,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def imported(proto: ModelProto, folder: Path) -> Model:
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return load_onnx(path)


def evaluate(proto: ModelProto, x: np.ndarray) -> np.ndarray:
    """Output y of onnx's own reference implementation."""
    (y,) = ReferenceEvaluator(proto).run(None, {"x": x})
    return np.asarray(y)


def agree(proto: ModelProto, folder: Path, x: np.ndarray = X) -> Model:
    """Import, and compare with the reference evaluator."""
    model = imported(proto, folder)
    expected = evaluate(proto, x)
    assert model.predict(x.reshape(len(x), -1)) == pytest.approx(expected, abs=1e-5)
    return model


def activation(layer: object) -> str:
    """A dense layer's activation function."""
    assert isinstance(layer, FloatDense)
    return layer.activation


@pytest.mark.parametrize("trans", [0, 1])
@pytest.mark.parametrize("bias", [B1, B1[None], B1[:1], np.float32(0.5), None])
def test_gemm(tmp_path: Path, trans: int, bias: np.ndarray | None) -> None:
    constants = {"w": W1 if trans else np.ascontiguousarray(W1.T)}
    if bias is not None:
        constants["b"] = np.asarray(bias)
    gemm = node("Gemm", ["x", *constants], ["y"], name="g", transB=trans, alpha=0.5, beta=-2.0)
    model = agree(build([gemm], constants), tmp_path)
    assert [(layer.name, activation(layer)) for layer in model.layers] == [("g", "identity")]
    assert model.name == "net"


def test_matmul_add_relu_and_two_affine_layers(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w1"], ["a"], name="first"),
        node("Add", ["b1", "a"], ["b"]),
        node("Add", ["b", "b1"], ["c"]),
        node("Relu", ["c"], ["d"]),
        node("Relu", ["d"], ["e"]),
        node("Gemm", ["e", "w2", "b2"], ["f"], transB=1),
        node("MatMul", ["f", "w3"], ["y"], name="first"),
    ]
    constants = {"w1": W1.T.copy(), "b1": B1, "w2": W2, "b2": B2, "w3": np.eye(3, 2, dtype="f4")}
    model = agree(build(nodes, constants), tmp_path)
    assert [layer.name for layer in model.layers] == ["first", "layer1", "first_2"]
    assert [activation(layer) for layer in model.layers] == ["relu", "identity", "identity"]


@pytest.mark.parametrize("last", ["Tanh", "Sigmoid"])
def test_functions(tmp_path: Path, last: str) -> None:
    """A trailing Sigmoid stays too: nothing is dropped."""
    nodes = [
        node("MatMul", ["x", "w1"], ["a"]),
        node("Add", ["b1", "a"], ["b"]),
        node("Sigmoid", ["b"], ["c"]),
        node("Gemm", ["c", "w2", "b2"], ["d"], transB=1),
        node("Tanh", ["d"], ["e"]),
        node("Gemm", ["e", "w3"], ["f"]),
        node(last, ["f"], ["y"]),
    ]
    constants = {"w1": W1.T.copy(), "b1": B1, "w2": W2, "b2": B2, "w3": np.eye(3, 2, dtype="f4")}
    model = agree(build(nodes, constants), tmp_path)
    assert [activation(layer) for layer in model.layers] == ["sigmoid", "tanh", last.lower()]
    assert model.notes == ()


def test_pieces_without_weights(tmp_path: Path) -> None:
    nodes = [
        node("Constant", [], ["shape"], value_ints=[-1, 4]),
        node("Constant", [], ["b"], value=numpy_helper.from_array(B1)),
        node("Cast", ["x"], ["x1"], to=TensorProto.FLOAT),
        node("Flatten", ["x1"], ["x2"]),
        node("Reshape", ["x2", "shape"], ["x3"]),
        node("Dropout", ["x3"], ["x4"]),
        node("Transpose", ["w"], ["w_t"], perm=[1, 0]),
        node("Identity", ["w_t"], ["w_i"]),
        node("Gemm", ["x4", "w_i", "b"], ["s"], name="g"),
        node("Identity", ["s"], ["s1"]),
        node("Relu", ["s1"], ["y"]),
    ]
    x = X.reshape(6, 2, 2)
    model = agree(build(nodes, {"w": W1}, ("samples", 2, 2)), tmp_path, x)
    assert (model.n_in, model.n_out, model.notes) == (4, 5, ())


@pytest.mark.parametrize("shape", [[-1, 4], [0, -1], [1, -1], [1, 4], [0, 4]])
@pytest.mark.parametrize("batch", [1, "samples"])
def test_reshape(tmp_path: Path, shape: list[int], batch: Any) -> None:
    nodes = [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])]
    constants = {"s": np.array(shape), "w": W1.T.copy()}
    agree(build(nodes, constants, (batch, 2, 2)), tmp_path, X[:1].reshape(1, 2, 2))


@pytest.mark.parametrize("last", ["Softmax", "LogSoftmax", "ArgMax"])
def test_trailing_classifier_is_dropped_with_a_note(tmp_path: Path, last: str) -> None:
    nodes = [
        node("Gemm", ["x", "w"], ["s"], transB=1),
        node(last, ["s"], ["t"], name="top", axis=1),
        node("Cast", ["t"], ["y"], to=TensorProto.INT64),
    ]
    proto = build(nodes, {"w": W1})
    model = imported(proto, tmp_path)
    assert model.notes == (
        f"node top ({last}) was dropped: the largest output is the same without it",
    )
    if last == "ArgMax":
        expected = evaluate(proto, X)
        assert model.predict(X).argmax(axis=1).tolist() == expected.reshape(-1).tolist()


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("where", ["initialiser", "constant"])
def test_sparse_weights_give_the_same_model(tmp_path: Path, linear: bool, where: str) -> None:
    weight = np.where(np.abs(W1) > 0.7, W1, 0)
    index = np.flatnonzero(weight) if linear else np.argwhere(weight)
    coo = helper.make_sparse_tensor(
        numpy_helper.from_array(weight[weight != 0], "w"),
        numpy_helper.from_array(index.astype(np.int64), "w_indices"),
        weight.shape,
    )
    gemm = node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    dense = imported(build([gemm], {"w": weight, "b": B1}), tmp_path)
    if where == "initialiser":
        sparse = imported(build([gemm], {"b": B1}, sparse=[coo]), tmp_path)
    else:
        constant = node("Constant", [], ["w"], sparse_value=coo)
        sparse = imported(build([constant, gemm], {"b": B1}), tmp_path)
    for one, other in zip(dense.layers, sparse.layers, strict=True):
        assert isinstance(one, FloatDense)
        assert isinstance(other, FloatDense)
        for mine, others in zip(one.parameters(), other.parameters(), strict=True):
            assert (mine == others).all()
        assert (one.name, activation(one)) == (other.name, activation(other))


def test_digits_dense_and_sparse_files_are_the_same_model(digits: Path) -> None:
    dense = load_onnx(digits / "digits-pruned.onnx")
    sparse = load_onnx(digits / "digits-sparse.onnx")
    assert [layer.name for layer in dense.layers] == ["fc1", "fc2", "fc3"]
    for one, other in zip(dense.layers, sparse.layers, strict=True):
        for mine, others in zip(one.parameters(), other.parameters(), strict=True):
            assert (mine == others).all()


def test_external_data(tmp_path: Path) -> None:
    from onnx import save_model

    path = tmp_path / "net.onnx"
    save_model(
        build([node("Gemm", ["x", "w"], ["y"], transB=1)], {"w": W1}),
        path,
        save_as_external_data=True,
        location="net.onnx.data",
        size_threshold=0,
    )
    assert (load_onnx(path).layers[0].parameters()[0] == W1).all()
