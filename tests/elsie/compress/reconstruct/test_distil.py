"""The dense network as a teacher, and masks that layers share."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.reconstruct import lamp
from elsie.compress.reconstruct.distil import Teacher, distil


@pytest.mark.parametrize("last", ["identity", "sigmoid"])
def test_a_student_learns_and_keeps_its_zeros(
    random_model: Callable[..., Model], last: str
) -> None:
    model = random_model(8, 16, 4, density=1.0)
    given = [layer for layer in model.layers if isinstance(layer, FloatDense)]
    layers = [
        replace(given[0], activation="tanh"),
        replace(given[1], activation=last),
    ]
    model = replace(model, layers=tuple(layers))
    x = np.random.default_rng(2).normal(size=(80, 8))
    thin = [
        replace(layer, weight=np.where(np.abs(layer.weight) > 0.6, layer.weight, 0))
        for layer in layers
    ]
    learnt = [
        distil(
            Teacher(model=model, x=x, lengths=None),
            thin,
            steps=300,
            random=np.random.default_rng(3),
        )
        for _ in range(2)
    ]

    def error(some: list) -> float:
        outputs = replace(model, layers=tuple(some)).predict(x)
        if last == "identity":  # scores, which may all move alike
            outputs = outputs - outputs.mean(axis=1, keepdims=True)
        wanted = model.predict(x)
        if last == "identity":
            wanted = wanted - wanted.mean(axis=1, keepdims=True)
        return float(np.mean((outputs - wanted) ** 2))

    assert error(learnt[0]) < 0.5 * error(thin)
    for one, other, before in zip(*learnt, thin, strict=True):
        assert np.array_equal(one.weight, other.weight)
        assert not one.weight[before.weight == 0].any()


def test_lamp_shares_a_budget() -> None:
    rng = np.random.default_rng(4)
    small, large = rng.normal(size=(4, 5)), 1000 * rng.normal(size=(10, 20))
    masks = lamp.masks([small, large], count=60)
    assert sum(mask.sum() for mask in masks) == 60
    assert all(mask.any() for mask in masks)
    assert np.allclose(lamp.scores(large), lamp.scores(large / 1000))
    # Inside a matrix the largest stay.
    for matrix, mask in zip((small, large), masks, strict=True):
        assert np.abs(matrix[mask]).min() > np.abs(matrix[~mask]).max()
