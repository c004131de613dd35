"""Seeded random layers for benchmarks: non-zeros anywhere, rows dealt to the PEs in turn."""

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig, MacKind
from golden.format.network import Layer, Network, locate_inverse


def sparse_network(
    config: EngineConfig, *, n_in: int, n_out: int, density: float, seed: int
) -> Network:
    """One layer, ReLU, whose weights are non-zero with probability `density`; codes are random."""
    rng = np.random.default_rng(seed)
    column, row = np.nonzero(rng.random((n_in, n_out)) < density)
    book = np.zeros(0, dtype=np.int64)
    if config.mac is MacKind.CODEBOOK:
        limit = 1 << (config.weight_width - 1)
        book = rng.integers(-limit, limit, 1 << config.code_width)
    number = np.arange(n_out)
    shift = max(config.shift_low, min(config.shift_top, config.weight_width))
    layer = Layer(
        name="layer",
        n_in=n_in,
        n_out=n_out,
        indptr=np.concatenate(([0], np.cumsum(np.bincount(column, minlength=n_in)))),
        rows=row,
        codes=rng.integers(0, 1 << config.code_width, len(row)),
        codebook=book,
        bias=np.zeros(n_out, dtype=np.int64),
        shift=shift,
        activation="relu",
        weight_frac=shift,
        in_frac=0,
        out_frac=0,
        position=locate_inverse(config, number % config.pes, number // config.pes),
    )
    return Network(name="random", config=config, layers=(layer,))


def dense_input(size: int, *, width: int, seed: int) -> NDArray[np.int64]:
    """Integer activations, none of them 0, shape (size,)."""
    rng = np.random.default_rng(seed)
    magnitude = rng.integers(1, 1 << (width - 1), size)
    return magnitude * rng.choice([-1, 1], size)
