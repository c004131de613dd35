"""Activation scales and column activity, from calibration data."""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.quantise.codes import MAX_FRAC, largest_frac


def fake_quantise(
    activations: NDArray[np.float64], frac: int, *, act_width: int
) -> NDArray[np.float64]:
    """Real values rounded (half to even) and saturated to `act_width` bits of `frac` places."""
    limit = 1 << (act_width - 1)
    return np.clip(np.rint(activations * 2.0**frac), -limit, limit - 1) * 2.0**-frac


def activation_frac(
    activations: NDArray[np.float64], *, act_width: int, max_frac: int = MAX_FRAC
) -> int:
    """Binary places of least squared error for activations (samples, width).

    Scans from the largest frac that saturates nothing upwards: finer steps, but the largest values
    saturate. Of equal errors it takes the smaller frac, which has more headroom. `max_frac` bounds
    the result from above.
    """

    def error(frac: int) -> float:
        quantised = fake_quantise(activations, frac, act_width=act_width)
        return float(np.sum((quantised - activations) ** 2))

    low = largest_frac(activations, width=act_width, max_frac=max_frac)
    return min(range(low, min(low + act_width, max_frac) + 1), key=error)


def column_activity(
    activations: NDArray[np.float64], frac: int, *, act_width: int
) -> NDArray[np.float64]:
    """Fraction of samples in which each column's activation is not 0 once quantised, (width,)."""
    return np.mean(fake_quantise(activations, frac, act_width=act_width) != 0, axis=0)
