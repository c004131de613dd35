"""A power of two for each input column, so that features of different ranges are used as they are.

Inputs of one scale cannot hold a column of thousands beside one of tenths. Where they have to, the
compiler works on x * 2**e and W * 2**-e, which is the same network exactly, and the NET file says
that input j has in_frac + e[j] fraction bits. The engine does not notice.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.kinds.step import Signal
from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.quantise.calibrate import activation_frac, fake_quantise
from elsie.compress.quantise.quantise import quantise
from golden.config import EngineConfig
from golden.format.network import FARTHEST

Exponents = NDArray[np.int64]

_GAIN = 2.0
"""So many times less error must a scale for each column bring: else one for all is kept."""
_MOST = FARTHEST // 2
"""Largest exponent; a column that small beside the others hardly counts."""


def choose_exponents(model: Model, given: Signal, config: EngineConfig) -> Exponents:
    """An exponent e for each input, shape (n_in,): all 0 where one scale serves as well.

    Each column is brought to the magnitude of the largest. Whether this helps is measured: by the
    error of the first layer's sums with quantised inputs and weights.
    """
    rows = given.rows
    largest = np.abs(rows).max(axis=0)
    exponents = np.zeros(model.n_in, dtype=np.int64)
    used = largest > 0
    bits = np.frexp(largest[used])[1]
    exponents[used] = np.minimum(bits.max(initial=0) - bits, _MOST)
    if not exponents.any():
        return exponents
    first = model.layers[0]
    matrix = first.parts()[0].matrices[0].reshape(-1, model.n_in)
    common = _error(first, matrix, rows, config)
    own = _error(first, np.ldexp(matrix, -exponents), np.ldexp(rows, exponents), config)
    return exponents if common > _GAIN * own else np.zeros_like(exponents)


def exponents_of(model: Model, given: Signal, config: EngineConfig, *, delta: bool) -> Exponents:
    """Of the inputs: one scale for all with delta, which has one threshold; a grid has its own.

    Values of maps have one scale too.
    """
    if delta or model.maps:
        return np.zeros(model.n_in, dtype=np.int64)
    if 0 in model.grids:
        return _of_grid(model.grids[0][-1], model.n_in)
    return choose_exponents(model, given, config)


def input_frac(model: Model, given: Signal, config: EngineConfig) -> int:
    """Fraction bits of inputs whose exponents are in them already."""
    return activation_frac(
        given.rows,
        act_width=config.act_width,
        powers=config.input_powers,
        wanted=model.snap(0, given.rows),
        grid_frac=model.grids[0][-1].frac if 0 in model.grids else None,
    )


def _of_grid(grid: Grid, n_in: int) -> Exponents:
    """An exponent for each input that brings the steps of a grid together: 0 if they are one."""
    steps = np.broadcast_to(np.asarray(grid.step), n_in)
    powers = np.rint(np.log2(steps.max() / steps)).astype(np.int64)
    return np.minimum(powers, _MOST)


def _error(
    layer: FloatLayer,
    matrix: NDArray[np.float64],
    rows: NDArray[np.float64],
    config: EngineConfig,
) -> float:
    """Squared error's root of W x, less its mean, which says nothing about an input."""
    grid = {"act_width": config.act_width, "powers": config.input_powers}
    inputs = fake_quantise(rows, activation_frac(rows, **grid), **grid)
    weights = quantise(config, matrix, scheme=layer.scheme)
    error = inputs @ weights.values.T - rows @ matrix.T
    return float(np.linalg.norm(error - error.mean(axis=0)))


def scale_model(model: Model, exponents: Exponents) -> Model:
    """The model for inputs x * 2**exponents: the first layer's columns take the reverse."""
    if not exponents.any():
        return model
    first, *others = model.layers
    part, *more = first.parts()
    matrix, *back = part.matrices
    scaled = replace(part, matrices=(np.ldexp(matrix, -exponents), *back))
    grids = dict(model.grids)
    if 0 in grids:
        grids[0] = tuple(grid.scaled(exponents) for grid in grids[0])
    return replace(model, layers=(first.with_parts((scaled, *more)), *others), grids=grids)


def scale_signal(given: Signal, exponents: Exponents) -> Signal:
    """Calibration data times 2**exponents."""
    return replace(given, values=scale_inputs(given.values, exponents))


def scale_inputs(x: ArrayLike, exponents: Exponents) -> NDArray[np.float64]:
    """Inputs (..., n_in) times 2**exponents."""
    return np.ldexp(np.asarray(x, dtype=np.float64), exponents)
