"""Layers on maps as one matrix of their kernels, fitted to patches of their maps."""

from pathlib import Path

import numpy as np
import pytest

from elsie.compress.kinds.step import Signal
from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.reconstruct.matrices import PLACES, VIEWS
from elsie.compress.reconstruct.thin import thin
from golden.config import EngineConfig
from golden.kinds import LayerKind
from tests.elsie.compress.onnx.maps.graphs import build, load, node, real

VIEW = VIEWS[LayerKind.CONV]


def layer(rng: np.random.Generator, *, groups: int = 1, size: int = 6) -> FloatConv:
    """A kernel with stride and pads, beside an identity."""
    kernel = ConvSource(
        weight=rng.normal(size=(4, 4 // groups, 3, 2)),
        shape=(4, 2 * size - 1, size),
        stride=(2, 1),
        pads=(1, 1, 1, 0),
        groups=groups,
    )
    same = ConvSource(weight=np.ones((4, 1, 1, 1)), shape=(4, size, size), groups=4, fixed=True)
    return FloatConv(
        name="c", sources=(kernel, same), bias=rng.normal(size=4), activation="identity"
    )


def test_the_matrix_gives_the_sums() -> None:
    """Of the trained kernel at every place, where there are few; what is fixed is left out."""
    rng = np.random.default_rng(1)
    conv = layer(rng)
    x = rng.normal(size=(3, conv.n_in))
    matrix = VIEW.read(conv)
    assert matrix.shape == (4, 4 * 3 * 2 + 1)
    assert VIEW.sources(conv) == (24,)
    seen = VIEW.inputs(conv, x)
    assert seen.shape == (3, 36, 24)
    sums = seen @ matrix[:, :-1].T + matrix[:, -1]
    same = conv.maps(x)[1].reshape(3, 4, -1)
    wanted = conv.forward(x).reshape(3, 4, -1) - same
    # Places are in an order of their own, the same for each sample.
    assert np.allclose(np.sort(sums.swapaxes(1, 2), axis=2), np.sort(wanted, axis=2))


def test_a_depthwise_kernel_is_left_as_it_is() -> None:
    conv = layer(np.random.default_rng(2), groups=4)
    assert VIEW.read(conv).shape == (4, 1)
    assert VIEW.sources(conv) == ()
    assert conv.parts()[0].kept.shape == (4, 0)
    other = VIEW.write(conv, 2 * VIEW.read(conv))
    assert isinstance(other, FloatConv)
    assert other.sources == conv.sources
    assert np.array_equal(other.bias, 2 * conv.bias)


def test_write_is_the_reverse_of_read() -> None:
    rng = np.random.default_rng(3)
    conv = layer(rng)
    other = VIEW.write(conv, 2 * VIEW.read(conv))
    assert isinstance(other, FloatConv)
    assert np.array_equal(other.sources[0].weight, 2 * conv.sources[0].weight)
    assert np.array_equal(other.bias, 2 * conv.bias)
    assert other.sources[1] is conv.sources[1]


def test_large_maps_give_some_places() -> None:
    rng = np.random.default_rng(4)
    conv = layer(rng, size=20)
    assert VIEW.inputs(conv, rng.normal(size=(2, conv.n_in))).shape == (2, PLACES, 24)


def network(folder: Path) -> Model:
    """A residual, a depthwise layer, joined channels and an average."""
    nodes = [
        *(node("Conv", ["x", "a"], ["c"], pads=[1] * 4), node("Relu", ["c"], ["r"])),
        *(node("Conv", ["r", "b"], ["d"], pads=[1] * 4), node("Add", ["d", "r"], ["s"])),
        *(node("Relu", ["s"], ["t"]), node("Conv", ["t", "e"], ["f"], group=6, pads=[1] * 4)),
        *(node("Relu", ["f"], ["g"]), node("Concat", ["g", "t"], ["j"], axis=1)),
        node("Conv", ["j", "h"], ["k"], strides=[2, 2]),
        *(node("Relu", ["k"], ["l"]), node("GlobalAveragePool", ["l"], ["m"])),
        *(node("Flatten", ["m"], ["n"]), node("Gemm", ["n", "o"], ["y"])),
    ]
    arrays = {"a": real(6, 2, 3, 3), "b": real(6, 6, 3, 3), "e": real(6, 1, 3, 3)}
    arrays |= {"h": real(8, 12, 2, 2), "o": real(8, 3)}
    return load(build(nodes, (2, 8, 8), **arrays), folder)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fitted_network_is_nearer_than_a_pruned_one(tmp_path: Path, seed: int) -> None:
    """On samples that were not used, with as many weights in each layer."""
    model = network(tmp_path)
    x, others = np.random.default_rng(seed).normal(size=(2, 60, model.n_in))
    given = Signal(values=x, valid=np.ones(60, dtype=bool), frac=0)
    chosen = {one.name: 0.5 for one in model.layers}
    errors, weights = {}, {}
    for effort in ("none", "fast"):
        options = CompileOptions(effort=effort)
        source = thin(model, given, EngineConfig(), chosen, options, lambda _: None, teacher=model)
        layers = [
            source.pruned(one, given, EngineConfig(), 0.5, options)[0]
            for one in source.model.layers
        ]
        pruned = Model(name="p", layers=tuple(layers), sources=model.sources)
        errors[effort] = np.linalg.norm(pruned.predict(others) - model.predict(others))
        weights[effort] = [sum(part.kept.sum() for part in one.parts()) for one in layers]
    assert weights["none"] == weights["fast"]
    assert errors["fast"] < 0.6 * errors["none"]
