"""Quantised models: DequantizeLinear and QONNX's Quant, on weights and on activations."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from elsie.compress.model.dense import FloatDense
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

node = helper.make_node
DOMAIN = "qonnx.custom_op.general"
RANDOM = np.random.default_rng(9)
W = RANDOM.normal(size=(4, 3)).astype(np.float32)
X = RANDOM.normal(size=(50, 4)).astype(np.float32)
S, Z = np.float32(0.07), np.int8(3)
Q8 = RANDOM.integers(-128, 128, size=(4, 3)).astype(np.int8)
SHARED = {
    "w": W,
    "q8": Q8,
    "s": S,
    "z": Z,
    "s3": np.array([0.1, 0.2, 0.3], np.float32),
    "z3": np.array([1, -2, 3], np.int8),
    "v": RANDOM.normal(size=(3, 2)).astype(np.float32),
    "zero": np.float32(0),
    "two": np.float32(0.25),
    "bits": np.float32(4),
    "half": np.float32(0.5),
    "s2": np.float32(0.5),
    "low": np.int8(-5),
    "high": np.int8(10),
}


class Quant(OpRun):
    """As QONNX defines it."""

    op_domain = DOMAIN

    def _run(self, x, scale, zero, bits, narrow=0, signed=1, rounding_mode="ROUND"):
        assert rounding_mode == "ROUND"
        low = -(2 ** (bits - 1)) + narrow if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
        return (((np.rint(np.clip(x / scale + zero, low, high)) - zero) * scale).astype(x.dtype),)


def build(nodes: list[Any]) -> Any:
    used = {name for one in nodes for name in one.input}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in SHARED.items() if n in used],
    )
    opsets = [helper.make_opsetid("", 19), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets)


def quant(x: str, y: str, scale: str = "two", **attributes: Any) -> Any:
    return node("Quant", [x, scale, "zero", "bits"], [y], domain=DOMAIN, name=f"q{y}", **attributes)


def pair(x: str, y: str, scale: str = "s") -> list[Any]:
    """QuantizeLinear and DequantizeLinear."""
    return [
        node("QuantizeLinear", [x, scale, "z"], [f"{y}q"], name=f"q{y}"),
        node("DequantizeLinear", [f"{y}q", scale, "z"], [y], name=f"d{y}"),
    ]


GEMM = node("Gemm", ["x", "w"], ["a"], name="g")
GRAPHS = {
    "weight": [node("DequantizeLinear", ["q8", "s", "z"], ["d"]), node("Gemm", ["x", "d"], ["y"])],
    "weight per output": [
        node("DequantizeLinear", ["q8", "s3", "z3"], ["d"], axis=1),
        node("MatMul", ["x", "d"], ["y"]),
    ],
    "weight pair": [*pair("w", "d"), node("Gemm", ["x", "d"], ["y"])],
    "weight Quant": [quant("w", "d", narrow=1), node("Gemm", ["x", "d"], ["y"])],
    "input": [*pair("x", "i"), node("Gemm", ["i", "w"], ["y"])],
    "Brevitas": [  # fewer bits by a Clip of the integers
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("Clip", ["q", "low", "high"], ["c"]),
        node("DequantizeLinear", ["c", "s", "z"], ["i"]),
        node("Gemm", ["i", "w"], ["y"]),
    ],
    "output": [GEMM, *pair("a", "y")],
    "before Relu": [
        GEMM,
        *pair("a", "b"),
        node("Relu", ["b"], ["r"]),
        node("MatMul", ["r", "v"], ["y"]),
    ],
    "around Relu": [
        *pair("x", "i"),
        node("Gemm", ["i", "w"], ["a"]),
        *pair("a", "b"),
        node("Relu", ["b"], ["r"]),
        *pair("r", "s1"),
        node("MatMul", ["s1", "v"], ["y"]),
    ],
    "two grids": [*pair("x", "i"), *pair("i", "j", "s2"), node("Gemm", ["j", "w"], ["y"])],
    "before Tanh": [GEMM, *pair("a", "b"), node("Tanh", ["b"], ["y"])],
    "Quant": [
        quant("x", "i"),
        node("Gemm", ["i", "w"], ["a"]),
        node("Relu", ["a"], ["r"]),
        quant("r", "s1", signed=0),
        node("MatMul", ["s1", "v"], ["y"]),
    ],
}


def load(nodes: list[Any], folder: Path) -> Any:
    path = folder / "net.onnx"
    path.write_bytes(build(nodes).SerializeToString())
    return load_onnx(path)


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(tmp_path: Path, name: str) -> None:
    """The float reference is the model with its grids: all but ties of float32 are equal."""
    model = load(GRAPHS[name], tmp_path)
    found: Any = ReferenceEvaluator(build(GRAPHS[name]), new_ops=[Quant]).run(None, {"x": X})
    assert (np.abs(model.predict(X) - found[0]).max(axis=1) < 1e-5).mean() > 0.95
    on_data = not name.startswith("weight")
    assert bool(model.grids) == on_data
    assert any("the engine has a grid of its own" in note for note in model.notes) == on_data
    if on_data:
        free = type(model)(name="free", layers=model.layers)
        assert np.abs(free.predict(X) - found[0]).max() > 1e-3
    if name == "before Relu":
        assert [isinstance(a, FloatDense) and a.activation for a in model.layers] == [
            "relu",
            "identity",
        ]


REFUSED = {
    "codes": (
        [
            node("QuantizeLinear", ["x", "s", "z"], ["q"], name="q"),
            node("Relu", ["q"], ["y"], name="r"),
        ],
        r"node r \(Relu\) takes integers, which only layers and what moves",
    ),
    "another scale": (
        [
            node("QuantizeLinear", ["x", "s", "z"], ["q"], name="q"),
            node("DequantizeLinear", ["q", "two", "z"], ["y"], name="d"),
        ],
        r"node d \(DequantizeLinear\) has another scale or zero point",
    ),
    "per feature": (
        [node("QuantizeLinear", ["x", "s3", "z3"], ["y"], name="q")],
        r"node q \(QuantizeLinear\) has a scale of shape \(1, 3\), but its input has 4 features",
    ),
    "per sample": (
        [node("QuantizeLinear", ["x", "s3", "z3"], ["y"], name="q", axis=0)],
        r"node q \(QuantizeLinear\) has a scale for each place on axis 0, which is not",
    ),
    "integers at the end": (
        [GEMM, node("QuantizeLinear", ["a", "s", "z"], ["y"], name="q")],
        r"node q \(QuantizeLinear\) gives integers, which only layers and what moves values can",
    ),
    "before and behind": (
        [
            GEMM,
            *pair("a", "b"),
            node("Relu", ["b"], ["r"], name="r"),
            node("Add", ["b", "r"], ["y"], name="s"),
        ],
        r"node s \(Add\) joins two branches: the graph branches",
    ),
    "integers": (
        [node("ConvInteger", ["x", "q8"], ["y"], name="m")],
        r"node m \(ConvInteger\) computes in integers: the model is quantised already",
    ),
    "rounding": (
        [quant("x", "y", rounding_mode="FLOOR")],
        r"node qy \(qonnx.custom_op.general.Quant\) has a rounding mode other than ROUND",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    nodes, reason = REFUSED[name]
    with pytest.raises(ElsieError, match=reason):
        load(nodes, tmp_path)


@pytest.mark.parametrize("where", ["weights", "outputs"])
def test_qonnx_beside_cells_is_refused_because_nobody_can_check_it(
    tmp_path: Path, where: str
) -> None:
    """The weights alone could be folded, but what is taken is compared with onnx's evaluator."""
    w, r = np.random.default_rng(5).normal(size=(2, 1, 16, 4))
    arrays = {"two": 0.5, "zero": 0.0, "bits": 4.0, "w": w, "r": r, "v": np.eye(4)}
    inputs = ["x", "wq", "r"] if where == "weights" else ["x", "w", "r"]
    cells = node("LSTM", inputs, ["", "h"], hidden_size=4, name="l")
    last = node("Squeeze", ["h", "axis"], ["s"])
    if where == "weights":
        nodes = [quant("w", "wq"), cells, last, node("MatMul", ["s", "v"], ["y"])]
    else:
        nodes = [cells, last, quant("s", "a"), node("MatMul", ["a", "v"], ["y"])]
    tensors = [
        numpy_helper.from_array(np.asarray(v, dtype=np.float32), n) for n, v in arrays.items()
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["t", "n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [*tensors, numpy_helper.from_array(np.array([0]), "axis")],
    )
    opsets = [helper.make_opsetid("", 19), helper.make_opsetid(DOMAIN, 1)]
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    name = "qwq" if where == "weights" else "qa"
    with pytest.raises(ElsieError) as caught:
        load_onnx(path)
    text = f"node {name} (qonnx.custom_op.general.Quant) is not supported in a model with LSTM or"
    assert text in str(caught.value)
    assert "export the float model" in str(caught.value)
