"""Weights that must keep their value: of maps that are added unchanged, or averaged."""

import numpy as np
import pytest

from elsie.compress.quantise.quantise import quantise
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig, MacKind

CODEBOOK = EngineConfig()
FIXED = EngineConfig(mac=MacKind.FIXED, code_width=8, weight_width=8)
LOG = EngineConfig(mac=MacKind.LOG, code_width=4)


def matrix(exact: float, *, spread: float = 0.1, seed: int = 1) -> np.ndarray:
    """Small random weights, and one column that must keep its value."""
    weight = np.random.default_rng(seed).normal(0, spread, (12, 9))
    weight[:, -1] = exact
    return weight


@pytest.mark.parametrize("config", [CODEBOOK, FIXED, LOG])
@pytest.mark.parametrize("exact", [0.125, 1.0, 8.0])
def test_it_is_just_its_value(config: EngineConfig, exact: float) -> None:
    weight = matrix(exact)
    made = quantise(config, weight, exact=(exact,))
    assert (made.values[:, -1] == exact).all()
    assert made.stored[:, -1].all()


def test_a_codebook_gives_it_one_place() -> None:
    """And the others are what k-means finds for all other places."""
    weight, scheme = matrix(1.0), Scheme(name="codebook", bits=2)
    made = quantise(CODEBOOK, weight, scheme=scheme, exact=(1.0,))
    values = np.unique(made.values)
    assert len(values) == 4
    assert np.array_equal(made.grid, values[:-1])
    alone = np.unique(made.values[:, :-1])
    errors = (weight[:, :-1, None] - alone) ** 2
    assert np.allclose(made.values[:, :-1], alone[errors.argmin(axis=2)], atol=1e-3)


def test_without_it_a_codebook_rounds_to_a_mean() -> None:
    """So that the test above can fail."""
    weight = matrix(1.0, spread=1.0)
    made = quantise(CODEBOOK, weight, scheme=Scheme(name="codebook", bits=2))
    assert (made.values[:, -1] != 1.0).any()


def test_fixed_weights_take_a_scale_with_room() -> None:
    """Alone the small weights would have a finer one, and the large one would saturate."""
    weight = matrix(1.0, spread=0.01)
    made = quantise(FIXED, weight, exact=(1.0,))
    assert (made.weight_frac, made.bound) == (6, True)
    free = quantise(FIXED, weight[:, :-1])
    assert free.weight_frac > 6
    assert not free.bound


def test_small_exact_weights_bind_nothing() -> None:
    assert not quantise(FIXED, matrix(1 / 64, spread=1.0), exact=(1 / 64,)).bound
