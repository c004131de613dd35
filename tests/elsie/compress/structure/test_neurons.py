"""Which neurons go, and what the next layer makes of the others."""

from itertools import combinations

import numpy as np
import pytest

from elsie.compress.kinds.step import Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.reconstruct.layer.problem import Problem
from elsie.compress.structure import neurons
from elsie.compress.structure.neurons import choose, drop_neurons, refit


def signal(values: np.ndarray) -> Signal:
    return Signal(values=values, valid=np.ones(values.shape[:-1], dtype=bool), frac=0)


def problem(columns: int = 7, rows: int = 4) -> Problem:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, columns)) @ rng.normal(size=(columns, columns)) + 1.0
    weights = rng.normal(size=(rows, columns + 1))
    return Problem.of(weights, wanted=x, given=x, sources=(columns,), damping=0.01)


def without(given: Problem, *gone: int) -> float:
    """Least loss without some columns."""
    kept = np.ones(7, dtype=bool)
    kept[list(gone)] = False
    return given.loss(refit(given, kept))


def test_the_column_goes_that_costs_least() -> None:
    given = problem()
    losses = [without(given, column) for column in range(7)]
    assert np.flatnonzero(~choose(given, 7, 6)).tolist() == [int(np.argmin(losses))]
    # Then the one that costs least without that one, and not the smallest of the first scores.
    first = int(np.argmin(losses))
    pairs = {other: without(given, first, other) for other in range(7) if other != first}
    second = min(pairs, key=lambda other: pairs[other])
    assert set(np.flatnonzero(~choose(given, 7, 5))) == {first, second}
    assert pairs[second] <= 1.5 * min(without(given, *two) for two in combinations(range(7), 2))


def test_refit_is_the_best() -> None:
    given, kept = problem(), np.array([True, False, True, True, False, True, True])
    found = refit(given, kept)
    assert not found[:, :-1][:, ~kept].any()
    gradient = (found - given.target) @ given.hessian
    used = np.append(kept, True)
    assert np.abs(gradient[:, used]).max() < 1e-10
    assert given.loss(found) < 0.5 * given.loss(given.target * used)


def test_large_layers_lose_several_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem(columns=40)
    one = given.loss(refit(given, choose(given, 40, 25)))
    monkeypatch.setattr(neurons, "SHARE", 8)
    kept = choose(given, 40, 25)
    assert kept.sum() == 25
    assert given.loss(refit(given, kept)) < 2 * one


def network() -> Model:
    """Twelve hidden neurons, of which eight are sums or multiples of the others."""
    rng = np.random.default_rng(2)
    first = np.vstack([np.abs(rng.normal(size=(4, 5)))] * 3) * np.repeat([1, 2, 0.5], 4)[:, None]
    second = rng.normal(size=(6, 12))
    shapes = [(first, "relu"), (second, "relu"), (rng.normal(size=(3, 6)), "identity")]
    layers = [
        FloatDense(name=f"fc{n}", weight=weight, bias=np.zeros(len(weight)), activation=function)
        for n, (weight, function) in enumerate(shapes)
    ]
    return Model(name="m", layers=tuple(layers))


def test_what_others_can_do_costs_nothing() -> None:
    model, x = network(), np.abs(np.random.default_rng(3).normal(size=(80, 5)))
    said: list[str] = []
    small = drop_neurons(model, signal(x), {"fc0": 4}, said.append)
    assert [layer.n_out for layer in small.layers] == [4, 6, 3]
    assert len(said) == 1
    # One of each three alike: the largest, which holds weights least.
    exact, spread = model.predict(x), np.std(model.predict(x))
    assert np.sqrt(np.mean((small.predict(x) - exact) ** 2)) < 0.05 * spread


def test_later_layers_make_up_for_earlier_ones() -> None:
    model, x = network(), np.random.default_rng(3).normal(size=(80, 5))
    small = drop_neurons(model, signal(x), {"fc0": 3, "fc1": 3}, lambda _: None)
    assert [layer.n_out for layer in small.layers] == [3, 3, 3]
    # The last layer is the exact solution for what it is given now.
    given = x
    for layer in small.layers[:2]:
        given = layer.forward(given)
    wanted = x
    for layer in model.layers[:2]:
        wanted = layer.forward(wanted)
    last, dense = small.layers[2], model.layers[2]
    assert isinstance(last, FloatDense)
    assert isinstance(dense, FloatDense)
    error = last.forward(given) - dense.forward(wanted)
    held = np.abs(error.T @ given / len(x))
    assert held.max() < 0.05 * np.mean(given**2) * np.abs(last.weight).max() + 0.05
    assert abs(error.mean()) < 0.01
