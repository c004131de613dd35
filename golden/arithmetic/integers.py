"""Integer arithmetic that everything else is made of: rounding and saturation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def round_half_even(value: ArrayLike, shift: int) -> NDArray[np.int64]:
    """Value / 2**shift, rounded to nearest, ties to even; int64 of the same shape."""
    v = np.asarray(value, dtype=np.int64)
    if shift == 0:
        return v.copy()
    floor = v >> shift
    rest = v - (floor << shift)
    half = np.int64(1) << (shift - 1)
    return floor + ((rest > half) | ((rest == half) & ((floor & 1) == 1)))


def saturate(value: ArrayLike, width: int) -> NDArray[np.int64]:
    """Clamp to a signed integer of `width` bits."""
    return np.clip(np.asarray(value, dtype=np.int64), -(1 << (width - 1)), (1 << (width - 1)) - 1)
