"""Shared by the compression tests: reproducible examples, and small models."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


@pytest.fixture
def digits() -> Path:
    """The folder of the digits example."""
    return Path(__file__).parents[3] / "examples" / "digits"


@pytest.fixture
def random_model() -> Callable[..., Model]:
    """Makes a model of given widths and density, Relu between the layers."""

    def make(*widths: int, density: float = 0.3, seed: int = 1) -> Model:
        random = np.random.default_rng(seed)
        layers = []
        for number, (n_in, n_out) in enumerate(pairwise(widths)):
            weight = random.normal(size=(n_out, n_in)) * (random.random((n_out, n_in)) < density)
            last = number == len(widths) - 2
            layers.append(
                FloatDense(
                    name=f"fc{number}",
                    weight=weight,
                    bias=random.normal(size=n_out),
                    activation="identity" if last else "relu",
                )
            )
        return Model(name="random", layers=tuple(layers))

    return make
