"""Seeded random networks and inputs for benchmarks that need no others."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.layer import Layer, deal
from golden.format.network import Network

_SEED = 1


def random_network(
    config: EngineConfig, *, name: str, sizes: Sequence[int], density: float
) -> Network:
    """Layers of these widths, input first; weights are non-zero with probability `density`.

    Rows are dealt to the PEs in random order. ReLU, except for the last one of several layers.
    """
    rng = np.random.default_rng(_SEED)
    layers = []
    for number, shape in enumerate(itertools.pairwise(sizes)):
        mask = rng.random(shape) < density
        dealt = rng.permutation(shape[1])
        last = number == len(sizes) - 2
        codes = np.zeros(shape, dtype=np.int64)
        codes[mask] = rng.integers(0, 1 << config.code_width, int(mask.sum()))
        layer = Layer.of_matrix(
            codes.T,
            mask.T,
            name=f"layer{number}",
            codebook=_codebook(rng, config),
            bias=rng.integers(-(1 << 12), 1 << 12, shape[1]),
            activation="identity" if last and number else "relu",
            weight_frac=config.shift_low + number % (config.shift_top - config.shift_low + 1),
            position=deal(config, dealt),
        )
        layers.append(layer)
    return Network(name=name, config=config, layers=tuple(layers))


def _codebook(rng: np.random.Generator, config: EngineConfig) -> NDArray[np.int64]:
    """Shared weights, if the kind has any; most are small, as in trained networks."""
    top = (1 << (config.weight_width - 1)) - 1
    return np.clip(rng.normal(0, top / 4, config.codebook_size), -top, top).astype(np.int64)


def dense_input(size: int, *, width: int, seed: int) -> NDArray[np.int64]:
    """Integer activations, none of them 0, shape (size,)."""
    rng = np.random.default_rng(seed)
    magnitude = rng.integers(1, 1 << (width - 1), size)
    return magnitude * rng.choice([-1, 1], size)
