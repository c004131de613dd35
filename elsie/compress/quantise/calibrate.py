"""Activation scales and column activity, from calibration data.

`powers` are what an engine's coded activations are rounded to; without levels they are integers.
"""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.quantise.codes import MAX_FRAC, largest_frac
from golden.arithmetic import powers as of_powers
from golden.kinds import Powers

INTEGERS = Powers()
"""Any integer."""


def fake_quantise(
    activations: NDArray[np.float64],
    frac: int | NDArray[np.int64],
    *,
    act_width: int,
    powers: Powers = INTEGERS,
) -> NDArray[np.float64]:
    """Real values rounded (half to even) and saturated to `act_width` bits of `frac` places.

    `frac` may have one for each value of a sample. With levels: rounded to the nearest of these, or
    to a sum of some.
    """
    limit = 1 << (act_width - 1)
    scaled = activations * 2.0**frac
    if powers.levels:
        inside = np.clip(scaled, -limit, limit - (powers.terms > 1))
        return np.ldexp(of_powers.rounded(inside, powers).astype(np.float64), -frac)
    return np.asarray(np.clip(np.rint(scaled), -limit, limit - 1) * 2.0**-frac, np.float64)


def activation_frac(
    activations: NDArray[np.float64],
    *,
    act_width: int,
    powers: Powers = INTEGERS,
    max_frac: int = MAX_FRAC,
    wanted: NDArray[np.float64] | None = None,
    grid_frac: int | None = None,
) -> int:
    """Binary places of least squared error for activations (samples, width).

    Scans from the largest frac that saturates nothing upwards: finer steps, but the largest values
    saturate. With levels from one less, as the last level may be half of the largest value. Of
    equal errors it takes the smaller frac, which has more headroom. `max_frac` bounds the result
    from above. `wanted`, of the same shape: what the activations should become instead of staying
    what they are, as a quantised model rounds them; if it rounds all to `grid_frac` binary places,
    that is tried too.
    """
    target = activations if wanted is None else wanted

    def error(frac: int) -> float:
        quantised = fake_quantise(activations, frac, act_width=act_width, powers=powers)
        return float(np.sum((quantised - target) ** 2))

    low = largest_frac(target, width=act_width, max_frac=max_frac) - bool(powers.levels)
    tried = range(low, min(low + act_width, max_frac) + 1)
    if grid_frac is not None and grid_frac < low:
        return min((grid_frac, *tried), key=error)
    return min(tried, key=error)


def column_activity(
    activations: NDArray[np.float64], frac: int, *, act_width: int
) -> NDArray[np.float64]:
    """Fraction of samples in which each column's activation is not 0 once quantised, (width,)."""
    rounded = fake_quantise(activations, frac, act_width=act_width)
    return np.mean(rounded != 0, axis=0)
