"""Input and output of a kind's quantiser."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.quantise.calibrate import fake_quantise
from golden.config import EngineConfig
from golden.format.network import Layer


@dataclass(frozen=True, kw_only=True, eq=False)
class Signal:
    """Activations between two layers, from the calibration data."""

    values: Reals
    """Shape (samples, width) or (samples, steps, width)."""
    valid: NDArray[np.bool_]
    """Which of them scales are chosen from, shape (samples,) or (samples, steps): those within a
    sample's length, and not held out."""
    frac: int
    """Fraction bits in the engine."""
    every: NDArray[np.bool_] | None = None
    """Those within a sample's length, held out or not, of the same shape; None for `valid`. Rows
    are assigned by them, which changes no result, and states have room for them."""
    hidden: bool = False
    """They are outputs of a layer, not the network's inputs."""
    to_last: bool = False
    """They go to the last layer, whose outputs are integers whatever activations are."""
    grids: tuple[Grid, ...] = ()
    """What the model rounds the outputs of the layer to that takes them."""

    taken: tuple[tuple[int, int], ...] = ()
    """For a layer on maps: number of the layer that each of its sources is, -1 for the inputs, and
    fraction bits of what it gives; they are side by side in `values`."""

    @property
    def grid_frac(self) -> int | None:
        """Fraction bits of that layer's outputs in the model, if it rounds them to such."""
        return self.grids[-1].frac if self.grids else None

    @property
    def rows(self) -> Reals:
        """Those that scales are chosen from, shape (rows, width)."""
        return self.values[self.valid]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Those within a sample's length, held out or not."""
        return self.valid if self.every is None else self.every

    def activity(self, config: EngineConfig) -> Reals:
        """How often each activation is not 0, shape (width,)."""
        return np.mean(self.rounded(config)[self.seen] != 0, axis=0)

    def rounded(self, config: EngineConfig) -> Reals:
        """As the engine has them: all shapes are as of `values`."""
        powers = config.act_powers if self.hidden else config.input_powers
        return fake_quantise(self.values, self.frac, act_width=config.act_width, powers=powers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantised:
    """A layer in integers, its rows not assigned yet."""

    shown: FloatLayer
    """The float layer with the weights that its codes stand for."""
    layers: tuple[Layer, ...]
    """One for each of the layer's parts, positions UNPLACED."""
    activity: tuple[Reals, ...]
    """Of each of them: how often each column is active, shape (n_columns,)."""
    outputs: Reals
    """Of `shown` on the calibration data, in float."""
    grid: Reals
    """Values that weights could have had at the accumulator's scale, ascending."""
    scales: tuple[float, ...] = ()
    """What the weights of each source of a layer on maps were multiplied with before."""
    largest_state: float = 0.0
    """Largest magnitude of an LSTM's state there."""
