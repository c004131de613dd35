"""Quantised networks on maps: grids on the outputs of layers, as on those of other layers."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from elsie.compress.onnx.constants import old_operators
from tests.elsie.compress.onnx.maps.graphs import build, load, maps, node, real

ARRAYS: dict[str, Any] = {
    "scale": np.float32(1 / 16),
    "signed": np.int8(0),
    "positive": np.int8(-128),
    "codes": (real(4, 2, 3, 3) * 40).astype(np.int8),
    "more": (real(4, 4, 3, 3) * 20).astype(np.int8),
    "small": np.float32(1 / 64),
    "dense": real(3, 4),
}


def rounded(given: str, out: str, zero: str = "signed") -> list[Any]:
    """QuantizeLinear and DequantizeLinear."""
    return [
        node("QuantizeLinear", [given, "scale", zero], [f"{out}.q"], name=f"{out}.q"),
        node("DequantizeLinear", [f"{out}.q", "scale", zero], [out], name=f"{out}.d"),
    ]


def test_residual(tmp_path: Path) -> None:
    """A Relu that only the zero point says, a sum, a pool and an average, all on one grid."""
    nodes = [
        node("DequantizeLinear", ["codes", "small"], ["w"]),
        node("DequantizeLinear", ["more", "small"], ["v"]),
        *rounded("x", "x8"),
        node("Conv", ["x8", "w"], ["c"], pads=[1, 1, 1, 1]),
        *rounded("c", "r", "positive"),
        node("Conv", ["r", "v"], ["d"], pads=[1, 1, 1, 1]),
        *(node("Add", ["d", "r"], ["a"]), node("Relu", ["a"], ["s"]), *rounded("s", "t")),
        node("MaxPool", ["t"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        *rounded("p", "p8"),
        *(node("GlobalAveragePool", ["p8"], ["g"]), *rounded("g", "g8")),
        *(node("Flatten", ["g8"], ["f"]), node("Gemm", ["f", "dense"], ["y"], transB=1)),
    ]
    proto = build(nodes, (2, 6, 4), **ARRAYS)
    model = load(proto, tmp_path)
    assert model.quantised
    assert [layer.activation for layer in maps(model)][:2] == ["relu", "relu"]
    assert model.taken(2) == (1, 1)
    assert set(model.grids) == {0, 1, 2, 3, 5}
    x = np.random.default_rng(3).normal(size=(20, 2, 6, 4)).astype(np.float32)
    found: Any = ReferenceEvaluator(proto, new_ops=old_operators(18)).run(None, {"x": x})
    got = model.predict(x)
    # Sums are exact in both; only an average may fall on the other side of a step.
    same = np.abs(got - found[0]).max(axis=1) < 1e-5
    assert same.mean() > 0.9
    assert np.abs(got - found[0]).max() < 0.3
