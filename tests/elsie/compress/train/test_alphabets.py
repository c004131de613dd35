"""Weights on their way to an alphabet, pushed about at random."""

import numpy as np
import pytest

from elsie.compress.quantise.kinds import with_weights
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.train.alphabets import STAGES
from elsie.compress.train.trainer import training
from golden.config import EngineConfig
from golden.format.alphabets import ALPHABETS

STEPS = 100


def start() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(8, 25)) * (rng.random((8, 25)) < 0.8)


@pytest.mark.parametrize("weights", ["log", "ternary", "fixed", "binary", "twn"])
def test_the_largest_are_frozen_in_stages(weights: str) -> None:
    matrix, rng = start(), np.random.default_rng(4)
    mask, before = matrix != 0, matrix
    config = with_weights(EngineConfig(), weights)
    own = ALPHABETS.get(weights)  # pyright: ignore[reportArgumentType]
    way = training(matrix, config, Scheme.of(config) if own else Scheme(name=weights, bits=1))
    for step in range(STEPS):
        before = matrix.copy()
        assert np.array_equal(way.shown(matrix), matrix)
        matrix += mask * 1e-4 * rng.normal(size=matrix.shape)
        way.after(matrix, step, STEPS)
        due = max(share for at, share in STAGES if step / STEPS >= at)
        assert np.sum(mask & (matrix == before)) == round(due * mask.sum())
    assert np.array_equal(matrix, before)


def test_codes_of_a_codebook_stand_and_their_weights_move_together() -> None:
    matrix, rng = start(), np.random.default_rng(5)
    mask = matrix != 0
    way = training(matrix, EngineConfig(), Scheme(name="codebook", bits=4))
    for step in range(STEPS):
        shown = way.shown(matrix)
        assert len(np.unique(shown[mask])) <= 16
        assert not shown[~mask].any()
        gradient = rng.normal(size=matrix.shape)
        matrix -= 1e-3 * mask * way.shared(gradient)
        anew = way.after(matrix, step, STEPS)
        assert anew == (step == 69)
        if step < 69:
            assert len(np.unique(matrix[mask])) > 100
    assert len(np.unique(matrix[mask])) == 16
    # The mean of what its weights asked for moves a value.
    shared = way.shared(gradient := rng.normal(size=matrix.shape))
    one = matrix == matrix[mask][0]
    assert np.allclose(shared[one], gradient[one].mean())


def test_trained_scales_by_hand() -> None:
    """Each scale has the sum of its weights' gradients, and a weight its own times its scale."""
    matrix = np.array([[0.5, -1.0, 0.01], [2.0, -0.5, 0.25]])
    way = training(matrix, EngineConfig(code_width=1), Scheme(name="ttq", bits=1))
    # Of all positive weights 0.69, of the negative ones 0.75; 0.01 is below a twentieth of 2.
    low, high = -0.75, pytest.approx(2.76 / 4, abs=1e-4)
    assert way.shown(matrix).tolist() == [[high, low, 0.0], [high, low, high]]
    gradient = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    shared = way.shared(gradient)
    by_scale = [[1.0 * 0.69, 2.0 * 0.75, 3.0 * 2.0], [4.0 * 0.69, 5.0 * 0.75, 6.0 * 0.69]]
    assert np.allclose(shared, by_scale, rtol=1e-4)
    # Both slopes: -(2 + 5) and 1 + 4 + 6. Adam's first step is as long, whatever they are.
    assert not way.after(matrix, 0, STEPS)
    step = 0.02 * (0.75 + 0.69) / 2
    moved = way.shown(matrix)
    assert moved[0, 1] == pytest.approx(low - step, abs=1e-4)
    assert moved[0, 0] == pytest.approx(0.69 - step, abs=1e-4)


def test_codes_of_trained_scales_stand_and_the_scales_learn_on() -> None:
    matrix, rng = start(), np.random.default_rng(6)
    mask = matrix != 0
    way = training(matrix, EngineConfig(code_width=1), Scheme(name="ttq", bits=1))
    signs, shown = [], matrix
    for step in range(STEPS):
        shown = way.shown(matrix)
        assert len(np.unique(shown[shown != 0])) == 2
        assert not shown[~mask].any()
        signs.append(np.sign(shown))
        way.shared(mask * (1.0 + rng.normal(size=matrix.shape)))
        matrix -= 1e-2 * mask * rng.normal(size=matrix.shape)
        assert way.after(matrix, step, STEPS) == (step == 69)
    assert not np.array_equal(signs[0], signs[69])
    assert all(np.array_equal(signs[70], later) for later in signs[71:])
    assert np.array_equal(matrix, way.shown(matrix))
    assert not np.array_equal(matrix, shown)  # the last step moved the scales
