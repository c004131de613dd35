"""Low-rank factors have the least loss of their rank."""

from dataclasses import replace

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.reconstruct.layer.problem import Problem
from elsie.compress.structure.factors import factorise, split
from tests.elsie.compress.structure.test_neurons import signal

RNG = np.random.default_rng(1)
X = RNG.normal(size=(200, 12)) * np.geomspace(8, 0.1, 12) + 3.0
LAYER = FloatDense(
    name="fc", weight=RNG.normal(size=(9, 12)), bias=RNG.normal(size=9), activation="relu"
)


def problem() -> Problem:
    weights = np.hstack((LAYER.weight, LAYER.bias[:, None]))
    return Problem.of(weights, wanted=X, given=X, sources=(12,), damping=1e-6)


def product(pair: tuple[FloatDense, FloatDense]) -> Reals:
    """Weights and bias of both layers in one."""
    down, up = pair
    bias = up.weight @ down.bias + up.bias
    return np.hstack((up.weight @ down.weight, bias[:, None]))


@pytest.mark.parametrize("rank", [1, 4, 8])
def test_least_loss(rank: int) -> None:
    given = problem()
    pair = split(LAYER, given, rank)
    assert [layer.n_out for layer in pair] == [rank, 9]
    assert [layer.name for layer in pair] == ["fc.down", "fc.up"]
    assert [layer.activation for layer in pair] == ["identity", "relu"]
    loss = given.loss(product(pair))
    # What is lost is the variance that the smallest directions of the sums have.
    sums = (X - X.mean(axis=0)) @ LAYER.weight.T
    sizes = np.linalg.svd(sums / np.sqrt(len(X)), compute_uv=False)
    assert loss == pytest.approx(np.sum(sizes[rank:] ** 2), rel=1e-3)
    left, plain, right = np.linalg.svd(LAYER.weight, full_matrices=False)
    lowered = (left[:, :rank] * plain[:rank]) @ right[:rank]
    bias = LAYER.bias + (LAYER.weight - lowered) @ X.mean(axis=0)
    assert loss < 0.6 * given.loss(np.hstack((lowered, bias[:, None])))


def test_full_rank_is_exact_and_the_middle_is_white() -> None:
    pair = split(LAYER, problem(), 9)
    assert np.allclose(pair[1].forward(pair[0].forward(X)), LAYER.forward(X), atol=1e-9)
    middle = pair[0].forward(X)
    assert np.allclose(middle.mean(axis=0), 0, atol=1e-4)
    assert np.allclose(middle.T @ middle / len(X), np.eye(9), atol=1e-3)


def test_a_model_keeps_its_head_and_grids() -> None:
    after = replace(LAYER, name="after", weight=RNG.normal(size=(4, 9)), bias=np.zeros(4))
    grids = {0: (Grid(step=0.01, low=-9999, high=9999),), 1: (Grid(step=0.5, low=0, high=99),)}
    model = Model(name="m", layers=(LAYER, after), head=1, grids=grids)
    small = factorise(model, signal(X), {"fc": 9}, lambda _: None)
    assert [layer.name for layer in small.layers] == ["fc.down", "fc.up", "after"]
    assert small.head == 2
    assert small.grids == {0: grids[0], 2: grids[1]}


def test_the_second_layer_makes_up_for_the_first() -> None:
    after = FloatDense(
        name="after", weight=RNG.normal(size=(8, 9)), bias=np.zeros(8), activation="identity"
    )
    model = Model(name="m", layers=(LAYER, after))
    both = factorise(model, signal(X), {"fc": 3, "after": 4}, lambda _: None)
    alone = factorise(model, signal(X), {"fc": 3}, lambda _: None)
    exact = model.predict(X)

    def error(small: Model) -> float:
        return float(np.mean((small.predict(X) - exact) ** 2))

    # Split on its own inputs, the second layer knows nothing of what the first has lost.
    given = X
    for layer in alone.layers[:2]:
        given = layer.forward(given)
    apart = split(
        after,
        Problem.of(
            np.hstack((after.weight, after.bias[:, None])),
            wanted=LAYER.forward(X),
            given=LAYER.forward(X),
            sources=(9,),
            damping=0.01,
        ),
        4,
    )
    assert error(both) < 0.95 * error(replace(alone, layers=(*alone.layers[:2], *apart)))
