"""Gradients of outputs, against differences of the loss that they are of."""

from typing import Any

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.train.gradients import gives_scores, softmax, taught
from elsie.compress.train.lesson import Lesson
from elsie.compress.train.pupil import Pupil
from tests.elsie.compress.test_compile_cells import cells


def dense(name: str, w: np.ndarray, function: str) -> FloatDense:
    return FloatDense(name=name, weight=w[:, :-1], bias=w[:, -1], activation=function)


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
    rng = np.random.default_rng(5)
    layers = (
        dense("a", rng.normal(size=(4, 4)), "tanh"),
        dense("b", rng.normal(size=(3, 5)), last),
    )
    x = np.random.default_rng(7).normal(size=(5, 3))
    lesson = Lesson.of(Model(name="m", layers=layers), x, y, share=0.0)
    pupil = Pupil(layers)
    found, _ = pupil.backward(lesson.error(pupil.forward(x)[-1], np.arange(5)))
    for w, gradient in zip(pupil.arrays, found, strict=True):
        for place in np.ndindex(w.shape):
            kept, sides = w[place], []
            for step in (1e-6, -1e-6):
                w[place] = kept + step
                sides.append(loss(pupil.forward(x)[-1]))
            w[place] = kept
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(gradient[place], abs=1e-6)


def test_a_pupil_that_equals_its_teacher_learns_nothing() -> None:
    outputs = np.random.default_rng(8).normal(size=(6, 3))
    assert not taught(outputs, outputs, scores=True).any()
    # Scores may all move alike.
    assert np.allclose(taught(outputs + 2.0, outputs, scores=True), 0, atol=1e-12)
    assert np.allclose(taught(outputs + 2.0, outputs, scores=False), 2 / 6)


def test_which_outputs_are_scores() -> None:
    several, one = np.ones((3, 5)), np.ones((1, 5))
    assert gives_scores(dense("a", several, "identity"))
    assert not gives_scores(dense("a", several, "tanh"))
    assert not gives_scores(dense("a", one, "identity"))
    assert not gives_scores(cells(np.random.default_rng(9), "lstm", 3, 4))
