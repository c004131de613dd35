"""What real exports have beside layers: sums, sigmoids by hand, functions, types, long names."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

node = helper.make_node
RANDOM = np.random.default_rng(6)
W = RANDOM.normal(size=(4, 3)).astype(np.float32)
ARRAYS = {
    "w": W,
    "t": np.ascontiguousarray(W.T),
    "v": W[:, 0].copy(),
    "u": RANDOM.normal(size=(1, 2)).astype(np.float32),
    "one": np.float32(1),
    "two": np.float32(2),
    "axis": np.array([1]),
    "f16": W.astype(np.float16),
    "b16": W.astype(ml_dtypes.bfloat16),
    "f64": W.astype(np.float64),
}


def build(nodes: list[Any], functions: tuple[Any, ...] = (), kind: int = TensorProto.FLOAT) -> Any:
    used = {name for one in nodes for name in one.input}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, ["s", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in ARRAYS.items() if n in used],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("my.domain", 1)]
    opsets += [helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)


def load(proto: Any, folder: Path) -> Any:
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return load_onnx(path)


M = node("MatMul", ["x", "w"], ["m"])
GRAPHS = {
    "sum": ([M, node("Relu", ["m"], ["r"]), node("ReduceSum", ["r", "axis"], ["y"])], 2),
    "sum without its axis": ([M, node("ReduceSum", ["m", "axis"], ["y"], keepdims=0)], 1),
    "mean": ([node("ReduceMean", ["x"], ["y"], axes=[-1])], 1),
    "less the mean": (
        [
            node("ReduceMean", ["x"], ["a"], axes=[1]),
            node("Sub", ["x", "a"], ["c"]),
            node("MatMul", ["c", "w"], ["y"]),
        ],
        1,
    ),
    "a sum twice": (
        [
            node("ReduceSum", ["x", "axis"], ["a"]),
            node("Mul", ["a", "two"], ["b"]),
            node("Add", ["b", "x"], ["c"]),
            node("Add", ["c", "a"], ["d"]),
            node("MatMul", ["d", "w"], ["y"]),
        ],
        1,
    ),
    "sigmoid by hand": (
        [
            M,
            node("Neg", ["m"], ["n"]),
            node("Exp", ["n"], ["e"]),
            node("Add", ["one", "e"], ["p"]),
            node("Div", ["one", "p"], ["y"]),
        ],
        1,
    ),
    "Einsum": ([node("Einsum", ["x", "w"], ["y"], equation="bi,io->bo")], 1),
    "Einsum, turned": ([node("Einsum", ["t", "x"], ["y"], equation="oi, bi -> bo")], 1),
    "a vector": ([node("MatMul", ["x", "v"], ["y"])], 1),
    "a vector, and more": (
        [
            node("MatMul", ["x", "v"], ["a"]),
            node("Unsqueeze", ["a", "axis"], ["b"]),
            node("MatMul", ["b", "u"], ["y"]),
        ],
        2,
    ),
    "16 bits": (
        [
            node("Cast", ["x"], ["a"], to=TensorProto.FLOAT16),
            node("MatMul", ["a", "f16"], ["b"]),
            node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
        ],
        1,
    ),
    "64 bits": (
        [
            node("Cast", ["x"], ["a"], to=TensorProto.DOUBLE),
            node("MatMul", ["a", "f64"], ["b"]),
            node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
        ],
        1,
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(tmp_path: Path, name: str) -> None:
    nodes, layers = GRAPHS[name]
    proto = build(nodes)
    model = load(proto, tmp_path)
    x = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    found: Any = ReferenceEvaluator(proto).run(None, {"x": x})
    tolerance = 0.01 if name == "16 bits" else 1e-5
    assert np.abs(model.predict(x) - found[0].reshape(9, -1)).max() < tolerance
    assert len(model.layers) == layers


def test_bfloat16_weights(tmp_path: Path) -> None:
    nodes = [
        node("Cast", ["b16"], ["a"], to=TensorProto.FLOAT),
        node("MatMul", ["x", "a"], ["y"]),
    ]
    (layer,) = load(build(nodes), tmp_path).layers
    assert np.array_equal(layer.weight, W.astype(ml_dtypes.bfloat16).astype(float).T)


def test_functions_are_written_out(tmp_path: Path) -> None:
    """As onnxscript's exporters define them; one takes another."""
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("my.domain", 1)]
    body = [node("MatMul", ["a", "b"], ["c"]), node("Relu", ["c"], ["d"])]
    layer = helper.make_function("my.domain", "Layer", ["a", "b"], ["d"], body, opsets)
    outer = helper.make_function(
        "my.domain",
        "Net",
        ["a", "b"],
        ["d"],
        [node("Layer", ["a", "b"], ["d"], domain="my.domain")],
        opsets,
    )
    nodes = [node("Net", ["x", "w"], ["y"], domain="my.domain")]
    (made,) = load(build(nodes, (layer, outer)), tmp_path).layers
    assert (made.activation, made.n_in, made.n_out) == ("relu", 4, 3)
    circle = helper.make_function(
        "my.domain", "Net", ["a"], ["b"], [node("Net", ["a"], ["b"], domain="my.domain")], opsets
    )
    with pytest.raises(ElsieError, match="its functions cannot be written out"):
        load(build([node("Net", ["x"], ["y"], domain="my.domain")], (circle,)), tmp_path)


REFUSED = {
    "onnxruntime": (
        [node("FusedGemm", ["x", "w"], ["y"], domain="com.microsoft", name="n")],
        r"node n \(com.microsoft.FusedGemm\) is onnxruntime's own, not ONNX's: export the model",
    ),
    "a product": (
        [node("ReduceSum", ["x", "axis"], ["a"]), node("Div", ["x", "a"], ["y"], name="n")],
        r"node n \(Div\) divides by the sum of values that may be negative",
    ),
    "another sum": (
        [M, node("ReduceSum", ["x", "axis"], ["a"]), node("Div", ["m", "a"], ["y"], name="n")],
        r"node n \(Div\) multiplies or divides two values of the data",
    ),
    "softplus": (
        [
            node("Exp", ["x"], ["a"]),
            node("Add", ["a", "one"], ["b"]),
            node("Log", ["b"], ["y"], name="n"),
        ],
        r"node n \(Log\) takes a power of e, which is a function that the engine does not have",
    ),
    "samples": (
        [node("ReduceMean", ["x"], ["y"], axes=[0], name="n")],
        r"node n \(ReduceMean\) is over more or other axes than the features",
    ),
    "Einsum": (
        [node("Einsum", ["x", "x"], ["y"], equation="bi,bi->b", name="n")],
        r"node n \(Einsum\) is more than a product of \(samples, features\) and a constant",
    ),
    "a long name": (
        [node("Elu", ["x"], ["y"], name="n" * 100_000)],
        rf"node {'n' * 100}\.\.\.{'n' * 50} \(Elu\) is a function",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    nodes, reason = REFUSED[name]
    with pytest.raises(ElsieError, match=reason) as caught:
        load(build(nodes), tmp_path)
    assert len(str(caught.value)) < 1000


def test_other_inputs_than_numbers(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    with pytest.raises(ElsieError, match="the input x is of type STRING, and a model takes real"):
        load(build(nodes, kind=TensorProto.STRING), tmp_path)


def test_long_names_of_layers(tmp_path: Path) -> None:
    (layer,) = load(build([node("MatMul", ["x", "w"], ["y"], name="n" * 9999)]), tmp_path).layers
    assert layer.name == f"{'n' * 60}...{'n' * 30}"


def test_a_file_name_is_no_escape_sequence(tmp_path: Path) -> None:
    path = tmp_path / "a\n\x1b[31mb.onnx"
    path.write_bytes(build([node("MatMul", ["x", "w"], ["y"])]).SerializeToString())
    assert load_onnx(path).name == r"a\n\x1b[31mb"
