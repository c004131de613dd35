"""The user's own layer as a problem: quantised as the compiler would."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elsie.bench.eie.engine import check_fits
from elsie.bench.eie.matrices import read_activations, read_matrix
from elsie.bench.eie.problem import ACT_WIDTH, Problem, random_weights
from elsie.compress.quantise.calibrate import activation_frac
from elsie.compress.quantise.quantise import quantise
from golden.config import EngineConfig
from golden.errors import ElsieError


def user_problem(
    matrix: Path, activations: Path, *, config: EngineConfig, seed: int = 0
) -> Problem:
    """The layer of two files, quantised to 16 shared weights and 16-bit activations.

    `matrix` (n_out, n_in): see `read_matrix`; of a file without values only the pattern counts, and
    the weights are drawn from `seed`. `activations` (samples, n_in): see `read_activations`; the
    first sample is measured, the others calibrate. If there are none, every column counts alike.

    Raises ElsieError naming the file when it is malformed, has NaN, does not fit the other file, or
    does not fit `config`, the engine.
    """
    weight, valued = read_matrix(matrix)
    samples = read_activations(activations)
    rows, columns = np.shape(weight)
    if samples.shape[1] != columns:
        raise ElsieError(
            f"{activations}: it has {samples.shape[1]} activations a sample, but {matrix} has "
            f"{columns} columns; give one activation for each column"
        )
    if valued:
        shared = quantise(config, weight.data[None])
        kept, codes, codebook = shared.stored[0], shared.codes[0], shared.codebook
    else:
        random = np.random.default_rng([seed, weight.nnz])
        codes, codebook = random_weights(random, weight.nnz)
        kept = np.ones(weight.nnz, dtype=bool)
    x = _integers(samples)
    if not x[0].any():
        raise ElsieError(f"{activations}: every activation is 0; there is nothing to measure")
    others = x[1:] != 0 if len(x) > 1 else np.full((1, columns), (x[0] != 0).mean())
    column = np.repeat(np.arange(columns), np.diff(weight.indptr))[kept]
    problem = Problem(
        name=matrix.name,
        n_in=columns,
        n_out=rows,
        indptr=np.concatenate(([0], np.cumsum(np.bincount(column, minlength=columns)))),
        rows=weight.indices.astype(np.int64)[kept],
        codes=codes[kept],
        codebook=codebook,
        x=x[0],
        activity=others.mean(axis=0),
    )
    check_fits(problem, config)
    return problem


def _integers(samples: NDArray[np.float64]) -> NDArray[np.int64]:
    """Activations at the power-of-two scale of least squared error."""
    limit = 1 << (ACT_WIDTH - 1)
    scaled = np.rint(np.ldexp(samples, activation_frac(samples, act_width=ACT_WIDTH)))
    return np.clip(scaled, -limit, limit - 1).astype(np.int64)
