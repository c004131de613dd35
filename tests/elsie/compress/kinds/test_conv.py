"""Layers on maps in integers: golden's outputs are those of what the codes stand for, rounded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.kinds.conv import quantise_conv
from elsie.compress.kinds.decoded import decoded
from elsie.compress.kinds.step import Signal, Taken
from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.quantise.calibrate import fake_quantise
from elsie.compress.reconstruct.matrices import VIEWS
from golden.arithmetic.run import predict
from golden.errors import ElsieError
from golden.kinds import LayerKind
from tests.elsie.compress.onnx.maps.graphs import build, load, node, real
from tests.maps import map_config


def network(folder: Path) -> Model:
    """A residual with pool, a depthwise layer, joined channels; ends with a flattened map."""
    nodes = [
        node("Conv", ["x", "a"], ["c"], pads=[0, 1, 1, 1], strides=[2, 1]),
        *(node("Relu", ["c"], ["r"]), node("Conv", ["r", "b"], ["d"], pads=[1] * 4)),
        *(node("Add", ["d", "r"], ["s"]), node("Relu", ["s"], ["q"])),
        node("MaxPool", ["q"], ["t"], kernel_shape=[2, 2], strides=[2, 2]),
        *(node("Conv", ["t", "e"], ["f"], group=4, pads=[1] * 4), node("Relu", ["f"], ["g"])),
        *(node("Concat", ["g", "t"], ["j"], axis=1), node("Conv", ["j", "h"], ["k"])),
        *(node("Relu", ["k"], ["l"]), node("Flatten", ["l"], ["n"])),
        *(node("Gemm", ["n", "o"], ["u"]), node("Relu", ["u"], ["v"])),
        node("Gemm", ["v", "w"], ["y"]),
    ]
    arrays = {"a": real(4, 2, 3, 3), "b": real(4, 4, 3, 3) / 2, "e": real(4, 1, 3, 3)}
    arrays |= {"h": real(5, 8, 1, 2), "o": real(20, 6) / 4, "w": real(6, 3)}
    return load(build(nodes, (2, 8, 6), **arrays), folder)


@pytest.mark.parametrize("kind", ["fixed", "codebook"])
@pytest.mark.parametrize("seed", [1, 2])
def test_golden_computes_what_the_codes_stand_for(tmp_path: Path, kind: str, seed: int) -> None:
    model = network(tmp_path)
    x, others = np.random.default_rng(seed).normal(size=(2, 30, model.n_in))
    config = map_config(mac=kind, weight_width=8 if kind == "fixed" else 16)
    net = compile_model(model, x, config=config, options=CompileOptions(effort="none"))
    fracs = [net.layers[0].in_frac, *(layer.out_frac for layer in net.layers)]

    def rounding(number: int, values: np.ndarray) -> np.ndarray:
        return fake_quantise(values, fracs[number], act_width=8)

    got = predict(net, others)
    assert np.array_equal(got, decoded(net).predict(others, rounding=rounding))
    exact = model.predict(others)
    assert np.linalg.norm(got - exact) < 0.2 * np.linalg.norm(exact)


def test_a_mean_is_one_column() -> None:
    weight = np.full((3, 1, 4, 4), 1 / 16)
    source = ConvSource(weight=weight, shape=(3, 4, 4), groups=3, fixed=True)
    layer = FloatConv(name="m", sources=(source,), bias=np.zeros(3), activation="identity")
    x = np.random.default_rng(1).uniform(0, 1, size=(5, 48))
    given = Signal(values=x, valid=np.ones(5, dtype=bool), frac=6, taken=(Taken(-1, 6, 48),))
    made = quantise_conv(layer, given, map_config())
    (one,) = made.layers
    assert one.maps is not None
    assert (one.n_in, one.maps.sources[0].uniform, one.nnz) == (1, True, 3)
    assert np.array_equal(made.shown.forward(x), layer.forward(x))


def test_scales_are_those_of_the_sources() -> None:
    """Each column of the one matrix as it is quantised: by the bits of the map that it sees."""
    kernel = ConvSource(weight=real(2, 2, 1, 3), shape=(2, 4, 4), pads=(0, 1, 0, 1))
    same = ConvSource(weight=np.ones((2, 1, 1, 1)), shape=(2, 4, 4), groups=2, fixed=True)
    more = ConvSource(weight=real(2, 1, 1, 1), shape=(1, 4, 4))
    layer = FloatConv(
        name="c", sources=(kernel, same, more), bias=np.zeros(2), activation="identity"
    )
    x = real(6, 80)
    taken = (Taken(-1, 5, 32), Taken(-1, 5, 32), Taken(0, 7, 16))
    given = Signal(values=x, valid=np.ones(6, dtype=bool), frac=5, taken=taken)
    made = quantise_conv(layer, given, map_config())
    assert made.scales == (1.0, 1.0, 0.25)
    view = VIEWS[LayerKind.CONV]
    assert view.scales(layer, made, map_config()).tolist() == [1.0] * 6 + [0.25]


def test_a_limit_that_is_reached_is_refused() -> None:
    source = ConvSource(weight=np.ones((1, 1, 1, 1)), shape=(1, 2, 2))
    layer = FloatConv(name="c", sources=(source,), bias=np.zeros(1), activation="relu", limit=2.0)
    x = np.array([[0.0, 1.0, 1.5, 2.0]])
    given = Signal(values=x, valid=np.ones(1, dtype=bool), frac=4, taken=(Taken(-1, 4, 4),))
    quantise_conv(layer, given, map_config())
    with pytest.raises(ElsieError, match=r"layer c: outputs are limited to 2, .* give up to 4"):
        quantise_conv(layer, replace(given, values=2 * x), map_config())
