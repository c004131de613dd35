"""The grid that a quantised model rounds its activations to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Multiples of `step` from `low` to `high` steps; 0 is one of them.

    Each is one number for all values, or a tuple with one for each.
    """

    step: float | tuple[float, ...]
    """Distance of two values, above 0."""
    low: int | tuple[int, ...]
    """The smallest multiple, at most 0."""
    high: int | tuple[int, ...]
    """The largest multiple, at least 0."""

    def snap(self, x: Reals) -> Reals:
        """The nearest value of the grid, half to even; of shape (..., values)."""
        step = np.asarray(self.step)
        return np.clip(np.rint(x / step), self.low, self.high) * step

    def scaled(self, exponents: NDArray[np.int64]) -> "Grid":
        """Of values times 2**exponents, one for each."""
        steps = np.ldexp(np.asarray(self.step, dtype=np.float64), exponents)
        one = bool(np.all(steps == steps[0]))
        return replace(self, step=float(steps[0]) if one else tuple(steps.tolist()))

    def chosen(self, kept: NDArray[np.bool_]) -> "Grid":
        """Of these values only."""
        ends = {"step": self.step, "low": self.low, "high": self.high}
        parts = {name: np.asarray(end) for name, end in ends.items()}
        return replace(
            self, **{name: tuple(v[kept].tolist()) for name, v in parts.items() if v.ndim}
        )

    @property
    def positive(self) -> bool:
        """No value is below 0, so that rounding does what a Relu does."""
        return bool(np.min(self.low) >= 0)

    @property
    def frac(self) -> int | None:
        """Fraction bits of its values, if one power of two is the step of them all."""
        steps = np.unique(np.asarray(self.step))
        mantissa, exponent = np.frexp(steps[0])
        return 1 - int(exponent) if len(steps) == 1 and mantissa == 0.5 else None


def snap(x: Reals, grids: Sequence[Grid]) -> Reals:
    """Rounded to one grid after the other."""
    for grid in grids:
        x = grid.snap(x)
    return x
