"""Clip(0, 6) where an engine saturates: the same function, exactly its limit."""

from pathlib import Path

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.kinds.clip import frac_of, saturating
from elsie.compress.kinds.step import Signal
from elsie.compress.model.conv import FloatConv
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from golden.arithmetic.run import Runner, predict
from golden.arithmetic.sequences import quantise_input
from golden.errors import ElsieError
from tests.elsie.compress.onnx.maps.graphs import build, load, node, real
from tests.maps import map_config

X = np.random.default_rng(2).normal(size=(40, 32))


def network(folder: Path, *, factor: float = 3.0, added: bool = False) -> Model:
    """A convolution with a Clip, that a depthwise one and an average read, or an addition."""
    nodes = [
        *(node("Conv", ["x", "a"], ["c"], name="c", pads=[1] * 4),),
        node("Clip", ["c", "zero", "six"], ["r"]),
        *(node("Conv", ["r", "b"], ["d"], name="d", pads=[1] * 4, group=4),),
        *((node("Add", ["d", "r"], ["e"]),) if added else ()),
        node("GlobalAveragePool", ["e" if added else "r"], ["m"]),
        *(node("Flatten", ["m"], ["n"]), node("Gemm", ["n", "w"], ["y"], name="g")),
    ]
    if not added:
        nodes[3] = node("GlobalAveragePool", ["d"], ["m"])
    arrays = {"a": factor * real(4, 2, 3, 3), "b": real(4, 1, 3, 3), "w": real(4, 3)}
    arrays |= {"zero": np.float32(0), "six": np.float32(6)}
    return load(build(nodes, (2, 4, 4), **arrays), folder)


def signal() -> Signal:
    return Signal(values=X, valid=np.ones(len(X), dtype=bool), frac=0)


@pytest.mark.parametrize("width", [8, 16])
def test_the_function_is_the_same(tmp_path: Path, width: int) -> None:
    model = network(tmp_path)
    scaled = saturating(model, signal(), width)
    assert np.allclose(scaled.predict(X), model.predict(X), rtol=1e-12)
    first = scaled.layers[0]
    assert isinstance(first, FloatConv)
    assert first.limit != 6
    frac = frac_of(first.limit, width)
    assert frac is not None
    assert first.limit == ((1 << (width - 1)) - 1) * 2.0**-frac


def test_the_largest_integer_is_the_limit(tmp_path: Path) -> None:
    """In golden, whose outputs stay near the float network's."""
    model = network(tmp_path)
    options = CompileOptions(effort="none")
    net = compile_model(model, X, config=map_config(act_width=10), options=options)
    run = Runner(net, len(X))
    run.step(quantise_input(net, X))
    assert run.outputs[0].max() == 511
    clipped = np.mean(run.outputs[0] == 511)
    outputs = model.layers[0].forward(X)
    assert abs(clipped - np.mean(outputs == 6)) < 0.02
    exact = model.predict(X)
    assert np.linalg.norm(predict(net, X) - exact) < 0.05 * np.linalg.norm(exact)


def test_a_limit_far_away_is_left_alone(tmp_path: Path) -> None:
    model = network(tmp_path, factor=0.1)
    assert saturating(model, signal(), 8) is model


def test_a_limited_map_that_is_added_is_refused(tmp_path: Path) -> None:
    model = network(tmp_path, added=True)
    text = r"layer c: calibration data reach its limit of 6 \(Clip\), and layer d adds a map"
    with pytest.raises(ElsieError, match=text):
        saturating(model, signal(), 8)
