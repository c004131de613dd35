"""Input and output of a kind's quantiser."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.grid import Grid
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.quantise.calibrate import fake_quantise
from golden.config import EngineConfig
from golden.format.network import Layer


class Taken(NamedTuple):
    """Outputs of a layer, as another one takes them."""

    layer: int
    """Its number, from 0; -1 for the inputs."""
    frac: int
    """Fraction bits in the engine."""
    width: int
    """How many there are."""


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

    taken: tuple[Taken, ...] = ()
    """Outputs of layers that are side by side in `values`; of several, empty if there is one."""

    @property
    def fracs(self) -> int | NDArray[np.int64]:
        """Fraction bits of all values, or of each."""
        if len(self.taken) < 2:
            return self.frac
        return np.repeat([one.frac for one in self.taken], [one.width for one in self.taken])

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
        return fake_quantise(self.values, self.fracs, act_width=config.act_width, powers=powers)


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantised:
    """A layer in integers, its rows not assigned yet."""

    shown: FloatLayer
    """The float layer with the weights that its codes stand for."""
    layers: tuple[Layer, ...]
    """One for each of the layer's parts, positions UNPLACED."""
    activity: tuple[Reals, ...]
    """Of each of them: how often each column is active, shape (n_columns,); of a layer on maps, how
    often each channel of each source is."""
    outputs: Reals
    """Of `shown` on the calibration data, in float."""
    grid: Reals
    """Values that weights could have had at the accumulator's scale, ascending."""
    scales: tuple[float, ...] = ()
    """What the weights of each source of a layer on maps were multiplied with before."""
    bound: bool = False
    """Weights that are fixed leave the others no finer scale."""
    largest_state: float = 0.0
    """Largest magnitude of an LSTM's state there."""
