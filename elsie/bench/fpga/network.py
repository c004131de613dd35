"""A random network that fills the memories of a measured engine."""

import itertools

import numpy as np

from elsie.bench.fpga.configurations import Configuration
from golden.config import EngineConfig
from golden.format.layer import Layer, deal
from golden.format.network import Network

_SEED = 1


def random_network(configuration: Configuration) -> Network:
    """Layer widths and density as configured, rows dealt to the PEs in random order; seeded."""
    rng = np.random.default_rng(_SEED)
    sizes = configuration.sizes
    layers = [
        _layer(rng, configuration, number, shape)
        for number, shape in enumerate(itertools.pairwise(sizes))
    ]
    return Network(name=configuration.name, config=configuration.engine, layers=tuple(layers))


def _layer(
    rng: np.random.Generator,
    configuration: Configuration,
    number: int,
    shape: tuple[int, int],
) -> Layer:
    """One layer; ReLU, except for the last one of several."""
    config = configuration.engine
    mask = rng.random(shape) < configuration.density
    dealt = rng.permutation(shape[1])
    last = number == len(configuration.sizes) - 2
    codes = np.zeros(shape, dtype=np.int64)
    codes[mask] = rng.integers(0, 1 << config.code_width, int(mask.sum()))
    return Layer.of_matrix(
        codes.T,
        mask.T,
        name=f"layer{number}",
        codebook=_codebook(rng, config),
        bias=rng.integers(-(1 << 12), 1 << 12, shape[1]),
        activation="identity" if last and number else "relu",
        weight_frac=config.shift_low + number % (config.shift_top - config.shift_low + 1),
        position=deal(config, dealt),
    )


def _codebook(rng: np.random.Generator, config: EngineConfig) -> np.ndarray:
    """Shared weights, if the kind has any; most are small, as in trained networks."""
    top = (1 << (config.weight_width - 1)) - 1
    return np.clip(rng.normal(0, top / 4, config.codebook_size), -top, top).astype(np.int64)
