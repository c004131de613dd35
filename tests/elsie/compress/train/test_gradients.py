"""Backwards through layers, against differences."""

from typing import Any

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.model import Model
from elsie.compress.train.gradients import SLOPES, backward, forward, softmax, taught
from elsie.compress.train.lesson import Lesson


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes(name: str) -> None:
    x = np.linspace(-2, 2, 8)
    rise = (FUNCTIONS[name](x + 1e-6) - FUNCTIONS[name](x - 1e-6)) / 2e-6
    assert np.allclose(SLOPES[name](FUNCTIONS[name](x)), rise)


def network(last: str) -> tuple[list[str], list[np.ndarray]]:
    rng = np.random.default_rng(5)
    return ["tanh", last], [rng.normal(size=(4, 4)), rng.normal(size=(3, 5))]


CLASSES = np.array([0, 2, 1, 1, 0])
VALUES = np.random.default_rng(6).normal(size=(5, 3))


def cross_entropy(outputs: np.ndarray) -> float:
    return float(-np.mean(np.log(softmax(outputs)[np.arange(5), CLASSES])))


def squares(outputs: np.ndarray) -> float:
    return float(np.sum((outputs - VALUES) ** 2) / 10)


@pytest.mark.parametrize(
    ("last", "y", "loss"),
    [
        ("identity", CLASSES, cross_entropy),
        ("identity", np.eye(3)[CLASSES], cross_entropy),
        ("identity", VALUES, squares),
        ("sigmoid", VALUES, squares),
    ],
)
def test_gradients_are_those_of_the_loss(last: str, y: np.ndarray, loss: Any) -> None:
    functions, weights = network(last)
    x = np.random.default_rng(7).normal(size=(5, 3))
    layers = [
        FloatDense(name=f"l{n}", weight=w[:, :-1], bias=w[:, -1], activation=f)
        for n, (f, w) in enumerate(zip(functions, weights, strict=True))
    ]
    lesson = Lesson.of(Model(name="m", layers=tuple(layers)), x, y, share=0.0)
    values = forward(functions, weights, x)
    found = backward(functions, weights, values, lesson.error(functions, values[-1], np.arange(5)))
    for w, gradient in zip(weights, found, strict=True):
        for place in np.ndindex(w.shape):
            kept, sides = w[place], []
            for step in (1e-6, -1e-6):
                w[place] = kept + step
                sides.append(loss(forward(functions, weights, x)[-1]))
            w[place] = kept
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(gradient[place], abs=1e-6)


def test_a_pupil_that_equals_its_teacher_learns_nothing() -> None:
    outputs = np.random.default_rng(8).normal(size=(6, 3))
    assert not taught(["identity"], outputs, outputs).any()
    # Scores may all move alike.
    assert np.allclose(taught(["identity"], outputs + 2.0, outputs), 0, atol=1e-12)
    assert np.allclose(taught(["tanh"], outputs + 2.0, outputs), 2 / 6)
