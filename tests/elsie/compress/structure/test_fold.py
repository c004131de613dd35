"""Useless neurons go, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import GATES, FloatCells
from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.structure.fold import fold
from golden.kinds import LayerKind


def layer(name: str, shape: tuple[int, int], activation: str, seed: int) -> FloatDense:
    """A fifth of the rows without weights, a quarter of the columns without use."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=shape)
    weight[rng.random(shape[0]) < 0.2] = 0
    weight[:, rng.random(shape[1]) < 0.25] = 0
    return FloatDense(
        name=name, weight=weight, bias=rng.normal(size=shape[0]), activation=activation
    )


def widths(model: Model) -> list[int]:
    return [layer.n_out for layer in model.layers]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_dense_networks_stay_what_they_are(activation: str, seed: int) -> None:
    shapes = [(20, 8), (15, 20), (5, 15)]
    layers = [layer(f"fc{n}", shape, activation, 10 * seed + n) for n, shape in enumerate(shapes)]
    model = Model(name="m", layers=tuple(layers))
    small, x = fold(model), np.random.default_rng(seed).normal(size=(50, 8))
    assert np.abs(small.predict(x) - model.predict(x)).max() < 1e-12
    assert all(a < b for a, b in zip(widths(small)[:2], widths(model)[:2], strict=True))
    assert small.n_out == 5
    for one, after in zip(small.layers, small.layers[1:], strict=False):
        assert one.parameters()[0].any(axis=1).all()
        assert after.parameters()[0].any(axis=0).all()
    assert fold(small) is small


def cells(kind: LayerKind) -> FloatCells:
    rng, gates = np.random.default_rng(7), len(GATES[kind])
    weight = rng.normal(size=(gates, 6, 9))
    weight[:, :, [2, 5]] = 0
    return FloatCells(
        name="cells",
        kind=kind,
        weight=weight,
        recurrent=rng.normal(size=(gates, 6, 6)),
        bias=rng.normal(size=(gates, 6)),
        bias_recurrent=rng.normal(size=6) if kind is LayerKind.GRU else None,
    )


@pytest.mark.parametrize("kind", GATES)
def test_cells_lose_inputs(kind: LayerKind) -> None:
    before: FloatLayer = layer("before", (9, 4), "relu", 3)
    model = Model(name="m", layers=(before, cells(kind), layer("after", (3, 6), "identity", 4)))
    model = replace(model, head=2)
    small, x = fold(model), np.random.default_rng(5).normal(size=(7, 11, 4))
    assert widths(small)[0] < 8  # two are not used, and some have no weights
    assert widths(small)[1:] == [6, 3]
    assert np.abs(small.predict(x) - model.predict(x)).max() < 1e-12


def test_constants_are_on_the_grid() -> None:
    first, last = layer("a", (6, 3), "relu", 1), layer("b", (2, 6), "identity", 2)
    first = replace(first, weight=np.where(np.arange(6)[:, None] < 2, 0, first.weight))
    last = replace(last, weight=np.random.default_rng(3).normal(size=(2, 6)))
    grids = {1: (Grid(step=0.5, low=0, high=3),)}
    model = Model(name="m", layers=(first, last), grids=grids)
    small, x = fold(model), np.random.default_rng(4).normal(size=(9, 3))
    assert widths(small) == [4, 2]
    assert np.abs(small.predict(x) - model.predict(x)).max() < 1e-12


def test_one_neuron_stays() -> None:
    first, last = layer("a", (6, 3), "relu", 1), layer("b", (2, 6), "identity", 2)
    for model in (
        Model(name="m", layers=(replace(first, weight=np.zeros((6, 3))), last)),
        Model(name="m", layers=(first, replace(last, weight=np.zeros((2, 6))))),
    ):
        small, x = fold(model), np.random.default_rng(4).normal(size=(9, 3))
        assert widths(small) == [1, 2]
        assert np.abs(small.predict(x) - model.predict(x)).max() < 1e-12
