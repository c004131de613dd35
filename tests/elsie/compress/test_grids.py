"""Quantised models in the engine: grids of powers of two are its own, and outputs are equal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from elsie.compress.compiler import compile_model
from elsie.compress.model.grid import Grid
from elsie.compress.onnx.registry import load_onnx
from golden.arithmetic.run import predict
from golden.config import EngineConfig, MacKind

node = helper.make_node
CONFIG = EngineConfig(pes=2, mac=MacKind.FIXED, code_width=8, weight_width=8, act_width=9)


def network(seed: int, steps: dict[str, Any], *, zero: int = -128, axis: int = 1) -> Any:
    """Two layers in QDQ form: 8-bit weights of 1/64, biases of the sums' steps, these grids."""
    random = np.random.default_rng(seed)
    arrays: dict[str, Any] = {
        "w": random.integers(-128, 128, (6, 8)).astype(np.int8),
        "v": random.integers(-128, 128, (8, 3)).astype(np.int8),
        "sw": np.float32(2**-6),
        "b": random.integers(-4000, 4000, 8).astype(np.int32),
        "c": random.integers(-4000, 4000, 3).astype(np.int32),
        "sb": np.float32(2**-11),
        "zx": np.int8(0),
        "zr": np.int8(zero),
        **{name: np.asarray(step, np.float32) for name, step in steps.items()},
    }
    arrays |= {"zs": np.full_like(arrays["sx"], 0, dtype=np.int8)}

    def pair(x: str, y: str, scale: str, zero: str) -> list[Any]:
        return [
            node("QuantizeLinear", [x, scale, zero], [f"{y}q"], axis=axis),
            node("DequantizeLinear", [f"{y}q", scale, zero], [y], axis=axis),
        ]

    nodes = [
        *(node("DequantizeLinear", [name, "sw"], [f"{name}f"]) for name in "wv"),
        *(node("DequantizeLinear", [name, "sb"], [f"{name}f"]) for name in "bc"),
        *pair("x", "i", "sx", "zs"),
        node("Gemm", ["i", "wf", "bf"], ["a"], name="fc1"),
        *pair("a", "r", "sr", "zr"),
        node("Gemm", ["r", "vf", "cf"], ["o"], name="fc2"),
        *pair("o", "y", "sy", "zx"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def compiled(proto: Any, x: Any, folder: Path, **config: int) -> tuple[Any, Any]:
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    made = compile_model(load_onnx(path), x, config=CONFIG.replace(**config))
    found: Any = ReferenceEvaluator(proto).run(None, {"x": x})
    return made, found[0]


@pytest.mark.parametrize("seed", range(4))
def test_powers_of_two_are_taken_bit_for_bit(tmp_path: Path, seed: int) -> None:
    """The Relu is in the zero point only, and values are clipped at both ends of its grid."""
    proto = network(seed, {"sx": 2**-5, "sr": 2**-4, "sy": 1})
    x = np.random.default_rng(seed).normal(0, 2.5, (200, 6)).astype(np.float32)
    made, wanted = compiled(proto, np.clip(x, -4, 127 / 32), tmp_path)
    assert [layer.activation for layer in made.layers] == ["relu", "identity"]
    assert [made.layers[0].in_frac, *(layer.out_frac for layer in made.layers)] == [5, 4, 0]
    assert np.array_equal(predict(made, np.clip(x, -4, 127 / 32)), wanted)
    assert made.info.quality.relative_error == 0


def test_other_steps_are_not(tmp_path: Path) -> None:
    """The engine's own scale, of least error beside the grid."""
    proto = network(1, {"sx": 0.03, "sr": 0.05, "sy": 0.3})
    x = np.random.default_rng(1).normal(0, 1, (200, 6)).astype(np.float32)
    made, wanted = compiled(proto, x, tmp_path)
    error = predict(made, x) - wanted
    assert 0 < np.abs(error).max() < 0.6
    assert made.info.quality.relative_error < 0.05


def test_a_step_for_each_feature(tmp_path: Path) -> None:
    """Powers of two go into the inputs' scales, and into the rows of the layer before."""
    steps = 2.0 ** np.array([-5, -3, -7, -5, -4, -6])
    proto = network(2, {"sx": steps, "sr": 2**-4, "sy": 1})
    limits = steps * 127
    x = np.random.default_rng(2).uniform(-limits, limits, (200, 6)).astype(np.float32)
    made, wanted = compiled(proto, x, tmp_path, code_width=12, weight_width=12)
    assert list(made.input_frac) == [5, 3, 7, 5, 4, 6]
    assert np.array_equal(predict(made, x), wanted)


def test_a_grid_of_fewer_values() -> None:
    """As when neurons are dropped: numbers for all stay, others go."""
    grid = Grid(step=(1.0, 2.0, 4.0), low=-2, high=(3, 4, 5))
    fewer = grid.chosen(np.array([True, False, True]))
    assert fewer == Grid(step=(1.0, 4.0), low=-2, high=(3, 5))
    assert fewer.snap(np.array([[9.0, -9.0]])).tolist() == [[3.0, -8.0]]
