"""A layer of EIE's paper, pruned so that the work is even (ESE's load-balance-aware pruning)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.bench.eie.layers import PaperLayer
from elsie.bench.eie.problem import Problem, random_input, random_weights
from elsie.compress.model.layer import Part
from elsie.compress.prune.even import prune_evenly
from golden.config import EngineConfig


def pruned(layer: PaperLayer, config: EngineConfig, *, per: str, seed: int = 0) -> Problem:
    """A layer of random magnitudes, pruned to the paper's density for the PEs of `config`.

    `per` as in `elsie.compress.prune.balanced.prune_balanced`. The generator's seed is `seed` and
    the layer's name; input and calibration samples are the same for every `config` and `per`.

    Raises ElsieError for an unknown `per`.
    """
    random = np.random.default_rng([seed, *layer.name.encode()])
    x, activity = random_input(random, layer)
    # Only their order counts; single precision, as the largest layer has 10**8.
    shape = (layer.n_out, layer.n_in)
    magnitude: NDArray[Any] = random.random(shape, dtype=np.float32)
    part = Part(name=layer.name, matrices=(magnitude[None],))
    (kept,), (owner,) = prune_evenly(config, [part], layer.weights, per=per, activity=activity)
    column, rows = np.nonzero(kept.matrices[0][0].T)
    codes, codebook = random_weights(random, len(rows))
    return Problem(
        name=layer.name,
        n_in=layer.n_in,
        n_out=layer.n_out,
        indptr=np.concatenate(([0], np.cumsum(np.bincount(column, minlength=layer.n_in)))),
        rows=rows,
        codes=codes,
        codebook=codebook,
        x=x,
        activity=activity,
        paper=layer,
        balanced=per,
        owner=owner,
    )
