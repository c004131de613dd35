"""ONNX models with convolutions, damaged as protobuf messages."""

from functools import cache
from pathlib import Path

import numpy as np

from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from tests.elsie.compress.onnx.maps.graphs import build, node, real
from tests.fuzz.target import Target
from tests.fuzz.targets.onnx import change


@cache
def seeds() -> tuple[bytes, ...]:
    """A residual, depthwise layers with joined channels, one dimension, channels last."""
    conv = node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[1, 1], group=1)
    relu = node("Relu", ["c"], ["r"])
    norm = node("BatchNormalization", ["c", "b", "b", "b", "v"], ["n"], epsilon=0.1)
    gemm = node("Gemm", ["f", "d"], ["y"], transB=1)
    w, b = real(3, 2, 3, 3), real(3)
    protos = (
        build(
            [
                *(conv, norm, node("Relu", ["n"], ["r"])),
                node("Conv", ["r", "k"], ["e"], auto_pad="SAME_UPPER"),
                *(node("Add", ["e", "r"], ["a"]), node("Relu", ["a"], ["s"])),
                node("MaxPool", ["s"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
                *(node("GlobalAveragePool", ["p"], ["g"]), node("Flatten", ["g"], ["f"]), gemm),
            ],
            (2, 4, 4),
            **{"w": w, "b": b, "v": b**2, "k": real(3, 3, 2, 2), "d": real(2, 3)},
        ),
        build(
            [
                node("Pad", ["x", "ends"], ["o"]),
                node("Conv", ["o", "w"], ["c"], group=2, dilations=[2, 1]),
                *(node("Clip", ["c", "zero", "six"], ["r"]),),
                node("AveragePool", ["x"], ["p"], kernel_shape=[2, 2], strides=[1, 1]),
                *(node("Concat", ["r", "p"], ["j"], axis=1), node("Conv", ["j", "k"], ["y"])),
            ],
            (2, 4, 4),
            **{"w": real(4, 1, 2, 2), "k": real(2, 6, 1, 1), "zero": 0.0, "six": 6.0},
            ends=np.array([0, 0, 0, 0, 0, 0, 1, 0]),
        ),
        build(
            [
                *(node("Conv", ["x", "w"], ["c"], strides=[2], pads=[1, 0]), relu),
                node("ReduceMean", ["r", "axes"], ["f"], keepdims=0),
                *(gemm,),
            ],
            (2, 7),
            **{"w": real(3, 2, 3), "axes": np.array([2]), "d": real(2, 3)},
        ),
        build(
            [
                *(
                    node("Sub", ["x", "m"], ["s"]),
                    node("Transpose", ["s"], ["t"], perm=[0, 3, 1, 2]),
                ),
                *(
                    node("Conv", ["t", "w"], ["c"]),
                    node("Transpose", ["c"], ["u"], perm=[0, 2, 3, 1]),
                ),
                *(node("Relu", ["u"], ["r"]), node("Reshape", ["r", "to"], ["f"]), gemm),
            ],
            (4, 4, 2),
            **{"w": w, "m": real(2), "to": np.array([-1, 12]), "d": real(2, 12)},
        ),
    )
    return tuple(proto.SerializeToString() for proto in protos)


def predicts(found: Model, path: Path) -> None:
    """As many finite outputs as it says; the import has compared them with the evaluator's."""
    del path
    x = np.random.default_rng(0).normal(size=(3, found.n_in))
    with np.errstate(all="ignore"):
        y = found.predict(x)
    assert y.shape == (3, found.n_out)
    assert np.isfinite(y).all()


MAPS = Target(
    suffix=".onnx", seeds=seeds, mutate=change, read=load_onnx, verify=predicts, suite=150
)
