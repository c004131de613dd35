"""A random network that fills the memories of a measured engine."""

import itertools

import numpy as np

from elsie.bench.fpga.configurations import Configuration
from golden.config import EngineConfig, MacKind
from golden.format.network import Layer, Network, locate_inverse

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
    """One layer; ReLU, but for the last one of several."""
    config = configuration.engine
    mask = rng.random(shape) < configuration.density
    row = np.nonzero(mask)[1]
    deal = rng.permutation(shape[1])
    last = number == len(configuration.sizes) - 2
    shift = config.shift_low + number % (config.shift_top - config.shift_low + 1)
    return Layer(
        name=f"layer{number}",
        n_in=shape[0],
        n_out=shape[1],
        indptr=np.concatenate(([0], np.cumsum(mask.sum(axis=1)))),
        rows=row,
        codes=rng.integers(0, 1 << config.code_width, len(row)),
        codebook=_codebook(rng, config),
        bias=rng.integers(-(1 << 12), 1 << 12, shape[1]),
        shift=shift,
        activation="identity" if last and number else "relu",
        weight_frac=shift,
        in_frac=0,
        out_frac=0,
        position=locate_inverse(config, deal % config.pes, deal // config.pes),
    )


def _codebook(rng: np.random.Generator, config: EngineConfig) -> np.ndarray:
    """Shared weights, most of them small as those of trained networks are, if there are any."""
    if config.mac is not MacKind.CODEBOOK:
        return np.zeros(0, dtype=np.int64)
    top = (1 << (config.weight_width - 1)) - 1
    return np.clip(rng.normal(0, top / 4, 1 << config.code_width), -top, top).astype(np.int64)
