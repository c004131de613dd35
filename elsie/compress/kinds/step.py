"""Input and output of a kind's quantiser."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.quantise.calibrate import column_activity
from golden.format.network import Layer

UNPLACED = np.zeros(0, dtype=np.int64)
"""Position of a layer's rows before they are assigned."""


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

    @property
    def rows(self) -> Reals:
        """Those that scales are chosen from, shape (rows, width)."""
        return self.values[self.valid]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Those within a sample's length, held out or not."""
        return self.valid if self.every is None else self.every

    def activity(self, *, act_width: int) -> Reals:
        """How often each activation is not 0, shape (width,)."""
        return column_activity(self.values[self.seen], self.frac, act_width=act_width)


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
    largest_state: float = 0.0
    """Largest magnitude of an LSTM's state there."""
