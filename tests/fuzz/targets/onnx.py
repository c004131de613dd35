"""ONNX models with fully connected and with recurrent layers, damaged as protobuf messages."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from elsie.compiling import compile
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from golden.arithmetic.run import predict
from golden.format.image import encode
from tests.fuzz import mutate, protobuf
from tests.fuzz.target import Target

node = helper.make_node


def model(
    nodes: Sequence[Any], shape: Sequence[Any], sparse: Sequence[Any] = (), **constants: Any
) -> bytes:
    """A model from x, of this shape, to y."""
    values = {name: np.asarray(value) for name, value in constants.items()}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
        sparse_initializer=sparse,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return proto.SerializeToString()


def _weights(*shape: int, seed: int = 1) -> Any:
    rng = np.random.default_rng([seed, *shape])
    return rng.normal(0, 0.5, shape).astype(np.float32)


@cache
def dense() -> tuple[bytes, ...]:
    flat = _weights(5, 4).reshape(-1)
    places = np.flatnonzero(np.abs(flat) > 0.4)
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(flat[places], "s"), numpy_helper.from_array(places), [5, 4]
    )
    gemm = node("Gemm", ["x", "w", "b"], ["h"], name="g", transB=1, alpha=1.0)
    w, b, v = _weights(5, 4), _weights(5), _weights(5, 3)
    return (
        model(
            [gemm, node("Relu", ["h"], ["r"]), node("MatMul", ["r", "v"], ["y"])],
            *(["n", 4],),
            **{"w": w, "b": b, "v": v},
        ),
        model(
            [
                *(node("Flatten", ["x"], ["f"]), node("Cast", ["f"], ["c"], to=1)),
                *(node("Transpose", ["w"], ["t"], perm=[1, 0]), node("MatMul", ["c", "t"], ["m"])),
                *(node("Add", ["m", "b"], ["a"]), node("Tanh", ["a"], ["h"])),
                *(node("Gemm", ["h", "v"], ["z"]), node("Softmax", ["z"], ["y"], axis=-1)),
            ],
            ["n", 2, 2],
            **{"w": w, "b": b, "v": v},
        ),
        model(
            [
                *(node("Reshape", ["x", "to"], ["f"]), node("Identity", ["s"], ["i"])),
                *(node("Gemm", ["f", "i"], ["h"], transB=1), node("Relu", ["h"], ["y"])),
            ],
            [1, 2, 2],
            [sparse],
            to=[-1, 4],
        ),
        model(
            [
                node("Constant", [], ["w"], value=numpy_helper.from_array(w)),
                *(node("Cast", ["w"], ["d"], to=11), node("Dropout", ["x"], ["e"])),
                *(gemm_of("e", "d"), node("Sigmoid", ["h"], ["y"])),
            ],
            ["n", 4],
            b=b,
        ),
    )


def gemm_of(data: str, weight: str) -> Any:
    """A Gemm with a bias."""
    return node("Gemm", [data, weight, "b"], ["h"], transB=1, beta=0.5)


@cache
def recurrent() -> tuple[bytes, ...]:
    last = node("Gather", ["s", "minus"], ["l"], axis=0)
    head = node("Gemm", ["l", "v", "c"], ["y"], transB=1)
    squeeze = node("Squeeze", ["h", "one"], ["s"])
    constants = {"one": [1], "minus": -1, "v": _weights(2, 3), "c": _weights(2)}
    lstm = {"w": _weights(1, 12, 4), "r": _weights(1, 12, 3), "b": _weights(1, 24)}
    gru = {"w": _weights(1, 9, 4), "r": _weights(1, 9, 3), "b": _weights(1, 18)}
    peepholes = ["x", "w", "r", "b", "", "", "", "p"]
    order = node("Transpose", ["x"], ["t"], perm=[1, 0, 2])
    zero = {"h0": np.zeros((1, 2, 3), np.float32), "c0": np.zeros((1, 2, 3), np.float32)}
    return (
        model(
            [
                node("LSTM", peepholes, ["h"], name="l", hidden_size=3, direction="forward"),
                *(squeeze, last, head),
            ],
            *(["t", "n", 4],),
            **{**constants, **lstm, "p": _weights(1, 9)},
        ),
        model(
            [
                node("GRU", ["x", "w", "r", "b"], ["h"], hidden_size=3, linear_before_reset=1),
                *(squeeze, node("MatMul", ["s", "m"], ["a"]), node("Relu", ["a"], ["y"])),
            ],
            *(["t", "n", 4],),
            **{**constants, **gru, "m": _weights(3, 2)},
        ),
        model(
            [
                order,
                node("LSTM", ["t", "w", "r", "b", "", "h0", "c0"], ["", "hn"], hidden_size=3),
                *(node("Squeeze", ["hn", "zero"], ["l"]), head),
            ],
            *([2, "t", 4],),
            **{**constants, **lstm, **zero, "zero": [0]},
        ),
        model(
            [
                node("GRU", ["x", "w", "r", "b"], ["h"], hidden_size=3, linear_before_reset=1),
                node("Squeeze", ["h", "one"], ["s"]),
                node("LSTM", ["s", "lw", "lr"], ["k"], hidden_size=3),
                *(node("Squeeze", ["k", "one"], ["q"]), node("Slice", ["q", "f", "e"], ["l"])),
                *(node("Squeeze", ["l", "zero"], ["z"]), node("Gemm", ["z", "v"], ["y"], transB=1)),
            ],
            *(["t", "n", 4],),
            **{**constants, **gru, "lw": _weights(1, 12, 3), "lr": _weights(1, 12, 3)},
            **{"f": [-1], "e": [1 << 62], "zero": [0]},
        ),
    )


def change(rng: Random, data: bytes) -> bytes:
    """Of the graph; rarely of bytes, below the protobuf."""
    try:
        proto = onnx.load_model_from_string(data)
        if rng.random() < 0.05:
            return mutate.of_bytes(rng, data)
        protobuf.change(rng, proto.graph if rng.random() < 0.95 else proto)
        return proto.SerializeToString()
    except Exception:  # damaged before, or what protobuf refuses to hold
        return mutate.of_bytes(rng, data)


def compiles(found: Model, path: Path) -> None:
    """It predicts, compiles, fits its engine, and golden has as many outputs as the model."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, found.n_in) if found.recurrent else (3, found.n_in))
    with np.errstate(all="ignore"):
        expected = found.predict(x)
        network = compile(model=path, calibration=x)
        encode(network)
        outputs = predict(network, x)
    assert outputs.shape == expected.shape
    assert np.isfinite(outputs).all()


DENSE = Target(
    suffix=".onnx", seeds=dense, mutate=change, read=load_onnx, verify=compiles, suite=150
)
RECURRENT = Target(
    suffix=".onnx", seeds=recurrent, mutate=change, read=load_onnx, verify=compiles, suite=150
)
