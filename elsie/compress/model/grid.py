"""The grid that a quantised model rounds its activations to."""

from dataclasses import dataclass

import numpy as np

from elsie.compress.model.layer import Reals


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Multiples of `step` from `low` to `high` steps; 0 is one of them."""

    step: float
    """Distance of two values, above 0."""
    low: int
    """The smallest multiple, at most 0."""
    high: int
    """The largest multiple, at least 0."""

    def snap(self, x: Reals) -> Reals:
        """The nearest value of the grid, half to even; of any shape."""
        return np.clip(np.rint(x / self.step), self.low, self.high) * self.step
