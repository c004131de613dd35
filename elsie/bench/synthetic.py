"""Seeded random layers for benchmarks: non-zeros anywhere, rows dealt to the PEs in turn."""

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.layer import Layer, deal
from golden.format.network import Network


def sparse_network(
    config: EngineConfig, *, n_in: int, n_out: int, density: float, seed: int
) -> Network:
    """One layer, ReLU, whose weights are non-zero with probability `density`; codes are random."""
    rng = np.random.default_rng(seed)
    mask = rng.random((n_in, n_out)) < density
    limit = 1 << (config.weight_width - 1)
    book = rng.integers(-limit, limit, config.codebook_size)
    codes = np.zeros(mask.shape, dtype=np.int64)
    codes[mask] = rng.integers(0, 1 << config.code_width, int(mask.sum()))
    layer = Layer.of_matrix(
        codes.T,
        mask.T,
        name="layer",
        codebook=book,
        activation="relu",
        weight_frac=max(config.shift_low, min(config.shift_top, config.weight_width)),
        position=deal(config, np.arange(n_out)),
    )
    return Network(name="random", config=config, layers=(layer,))


def dense_input(size: int, *, width: int, seed: int) -> NDArray[np.int64]:
    """Integer activations, none of them 0, shape (size,)."""
    rng = np.random.default_rng(seed)
    magnitude = rng.integers(1, 1 << (width - 1), size)
    return magnitude * rng.choice([-1, 1], size)
