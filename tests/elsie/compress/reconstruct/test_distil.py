"""The dense network as a teacher, and masks that layers share."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from elsie.compress.kinds.step import Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.reconstruct import lamp
from elsie.compress.reconstruct.distil import AHEAD, Teacher, distil
from tests.elsie.compress.test_compile_cells import MODELS


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


def sequences(width: int) -> Signal:
    """30 of up to 6 steps, of which every third is held out; no value counts but what is valid."""
    rng = np.random.default_rng(6)
    values, lengths = rng.normal(size=(30, 6, width)), rng.integers(2, 7, 30)
    lengths[::3] = 0
    valid = np.arange(6) < lengths[:, None]
    values[~valid] = np.nan
    return Signal(values=values, valid=valid, frac=0)


def thinned(layer: FloatLayer) -> FloatLayer:
    """Without the smaller half of each matrix."""
    parts = [
        replace(
            part,
            matrices=tuple(
                np.where(abs(m) > np.median(abs(m[m != 0])), m, 0) for m in part.matrices
            ),
        )
        for part in layer.parts()
    ]
    return layer.with_parts(tuple(parts))


@pytest.mark.parametrize("name", MODELS)
def test_cells_learn_and_keep_their_zeros(name: str) -> None:
    """On the sequences that count, up to their ends, with a head and without."""
    model = MODELS[name](np.random.default_rng(5))
    teacher = Teacher.of(model, sequences(model.n_in))
    assert len(teacher.x) == 20
    thin = [thinned(layer) for layer in model.layers]
    learnt = [distil(teacher, thin, steps=500, random=np.random.default_rng(3)) for _ in range(2)]
    lengths = teacher.lengths
    assert lengths is not None

    def error(some: list[FloatLayer]) -> float:
        student = replace(model, layers=tuple(some))
        outputs, wanted = (one.predict(teacher.x, lengths) for one in (student, model))
        if model.head is None:
            where = np.arange(6) < lengths[:, None]
            outputs, wanted = outputs[where], wanted[where]
        spread = outputs - wanted
        return float(np.mean((spread - spread.mean(axis=1, keepdims=True)) ** 2))

    assert error(learnt[0]) < 0.4 * error(thin)
    for one, other, before in zip(*learnt, thin, strict=True):
        for mine, again in zip(one.parameters(), other.parameters(), strict=True):
            assert np.array_equal(mine, again)
        for mine, given in zip(one.parts(), before.parts(), strict=True):
            for matrix, masked in zip(mine.matrices, given.matrices, strict=True):
                assert not matrix[masked == 0].any()
                assert (matrix[masked != 0] != masked[masked != 0]).any()


@pytest.mark.parametrize("name", ["lstm", "projected"])
def test_a_network_that_equals_its_teacher_stays(name: str) -> None:
    """No answer and no hint has a gradient then, which Adam would make a step of its own size."""
    model = MODELS[name](np.random.default_rng(7))
    same = distil(
        Teacher.of(model, sequences(model.n_in)),
        model.layers,
        steps=50,
        random=np.random.default_rng(8),
    )
    for one, other in zip(same, model.layers, strict=True):
        for mine, given in zip(one.parameters(), other.parameters(), strict=True):
            assert np.array_equal(mine, given.astype(np.float32))


def test_batches_ahead_are_answered_as_one_would_be(random_model: Callable[..., Model]) -> None:
    model = random_model(6, 5, 3, density=1.0)
    given = np.random.default_rng(1).normal(size=(40, 6))
    teacher = Teacher(model=model, x=given, lengths=None)
    batches = list(teacher.batches(AHEAD + 3, np.random.default_rng(2)))
    assert len(batches) == AHEAD + 3
    assert len({one.x.tobytes() for one in batches}) == AHEAD + 3
    for one in batches:
        assert one.x.shape == (64, 6)
        assert one.valid.all()
        assert np.allclose(one.wanted[0], model.layers[0].forward(one.x), atol=1e-5)
        assert np.allclose(one.wanted[1], model.predict(one.x), atol=1e-5)


def test_mixtures_last_as_long_as_the_longer() -> None:
    model = MODELS["lstm"](np.random.default_rng(9))
    teacher = Teacher.of(model, sequences(model.n_in))
    x, valid = teacher.mixed(64, np.random.default_rng(10))
    assert np.isfinite(x).all()
    assert valid.any(axis=1).all()
    assert set(valid.sum(axis=1)) <= set(range(2, 7))
    assert not x[~valid].any()
    real = [any(np.array_equal(row[: len(y)], y) for y in teacher.x) for row in x]
    assert 8 <= sum(real) <= 28  # a quarter of 64, give or take


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
