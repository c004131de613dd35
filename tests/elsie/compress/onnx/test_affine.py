"""Nodes that scale and shift, folded into layers: where they are, and what is left as a layer."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx

RANDOM = np.random.default_rng(11)
node = helper.make_node
SIX = ["scale", "shift", "mean", "var"]
SHARED = {
    "w": RANDOM.normal(size=(4, 4)).astype(np.float32),
    "v": RANDOM.normal(size=(4, 3)).astype(np.float32),
    "scale": RANDOM.uniform(0.5, 2, 4).astype(np.float32),
    "shift": RANDOM.normal(size=4).astype(np.float32),
    "mean": RANDOM.normal(size=4).astype(np.float32),
    "var": RANDOM.uniform(0.5, 2, 4).astype(np.float32),
    "zero": np.float32(0),
    "six": np.float32(6),
    "column": RANDOM.normal(size=(4, 1)).astype(np.float32),
}
W, V = node("Gemm", ["x", "w"], ["a"], name="g"), node("MatMul", ["r", "v"], ["y"], name="h")
CASES: dict[str, tuple[list[Any], list[str], int]] = {
    "norm of the input": (
        [node("BatchNormalization", ["x", *SIX], ["r"]), V],
        ["identity"],
        0,
    ),
    "mean and deviation": (
        [node("Sub", ["x", "mean"], ["m"]), node("Div", ["m", "scale"], ["r"]), V],
        ["identity"],
        0,
    ),
    "norm before the function": (
        [W, node("BatchNormalization", ["a", *SIX], ["n"]), node("Relu", ["n"], ["r"]), V],
        ["relu", "identity"],
        0,
    ),
    "norm behind the function": (
        [W, node("Tanh", ["a"], ["n"]), node("BatchNormalization", ["n", *SIX], ["r"]), V],
        ["tanh", "identity"],
        0,
    ),
    "scaled output": (
        [W, node("Mul", ["scale", "a"], ["n"]), node("Add", ["n", "shift"], ["y"])],
        ["identity"],
        0,
    ),
    "scaled behind a function": (
        [W, node("Relu", ["a"], ["n"]), node("Mul", ["n", "scale"], ["y"], name="m")],
        ["relu", "identity"],
        1,
    ),
    "clip at zero": ([W, node("Clip", ["a", "zero"], ["r"]), V], ["relu", "identity"], 0),
    "max with zero": ([W, node("Max", ["zero", "a"], ["r"]), V], ["relu", "identity"], 0),
    "relu6": (
        [W, node("Clip", ["a", "zero", "six"], ["r"], name="c"), V],
        ["relu", "relu", "identity"],
        1,
    ),
    "two functions": (
        [W, node("Tanh", ["a"], ["b"]), node("Sigmoid", ["b"], ["r"], name="s"), V],
        ["tanh", "sigmoid", "identity"],
        1,
    ),
    "relu behind tanh": (
        [W, node("Tanh", ["a"], ["b"]), node("Relu", ["b"], ["r"], name="s"), V],
        ["tanh", "relu", "identity"],
        1,
    ),
    "relu of a relu": (
        [W, node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["r"]), V],
        ["relu", "identity"],
        0,
    ),
    "a sum of two layers": (
        [W, node("Gemm", ["x", "w"], ["b"], transB=1), node("Add", ["a", "b"], ["y"])],
        ["identity"],
        0,
    ),
    "one output by a threshold": (
        [W, node("MatMul", ["a", "column"], ["b"]), node("Sigmoid", ["b"], ["y"])],
        ["identity", "sigmoid"],
        0,
    ),
}


def check(nodes: list[Any], constants: dict[str, np.ndarray], n: int, folder: Path) -> Model:
    """Import, and compare with the reference evaluator."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", n])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    model = load_onnx(path)
    x = RANDOM.normal(size=(7, n)).astype(np.float32)
    found: Any = ReferenceEvaluator(proto).run(None, {"x": x})
    assert np.abs(model.predict(x) - found[0]).max() < 2e-5
    return model


@pytest.mark.parametrize("name", CASES)
def test_case(tmp_path: Path, name: str) -> None:
    nodes, activations, own = CASES[name]
    model = check(nodes, SHARED, 4, tmp_path)
    assert [getattr(layer, "activation", "") for layer in model.layers] == activations
    assert len([note for note in model.notes if "a layer of its own" in note]) == own


def test_an_autoencoder_of_the_mlperf_tiny_shape(tmp_path: Path) -> None:
    """640-128x4-8-128x4-640 with a BatchNormalization before each Relu, as Keras trains it."""
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    nodes, constants, live = [], {}, "x"
    for number, (n, m) in enumerate(pairwise(widths)):
        constants[f"w{number}"] = (RANDOM.normal(size=(n, m)) / np.sqrt(n)).astype(np.float32)
        constants[f"b{number}"] = RANDOM.normal(size=m).astype(np.float32)
        nodes.append(node("MatMul", [live, f"w{number}"], [f"m{number}"], name=f"fc{number}"))
        live = "y" if number == 9 else f"a{number}"
        nodes.append(node("Add", [f"m{number}", f"b{number}"], [live]))
        if number < 9:
            for part in SIX:
                constants[f"{part}{number}"] = RANDOM.uniform(0.5, 1.5, m).astype(np.float32)
            norm = [f"{part}{number}" for part in SIX]
            nodes.append(node("BatchNormalization", [live, *norm], [f"n{number}"]))
            nodes.append(node("Relu", [f"n{number}"], [f"r{number}"]))
            live = f"r{number}"
    model = check(nodes, constants, 640, tmp_path)
    assert [layer.n_out for layer in model.layers] == widths[1:]
    assert all(isinstance(layer, FloatDense) for layer in model.layers)
    assert model.notes == ()
