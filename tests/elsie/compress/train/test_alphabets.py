"""Weights on their way to an alphabet, pushed about at random."""

import numpy as np
import pytest

from elsie.compress.quantise.kinds import with_weights
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.train.alphabets import STAGES
from elsie.compress.train.trainer import training
from golden.config import EngineConfig

STEPS = 100


def start() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(8, 25)) * (rng.random((8, 25)) < 0.8)


@pytest.mark.parametrize("weights", ["log", "ternary", "fixed"])
def test_the_largest_are_frozen_in_stages(weights: str) -> None:
    matrix, rng = start(), np.random.default_rng(4)
    mask, before = matrix != 0, matrix
    config = with_weights(EngineConfig(), weights)
    way = training(matrix, config, Scheme.of(config))
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
