"""Weight codes to integer weights: the three MAC kinds.

The integer weight is `value * 2**weight_frac`; how `weight_frac` is chosen is the compiler's
business.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.config import EngineConfig, MacKind


def decode(
    config: EngineConfig, codes: ArrayLike, codebook: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Integer weights of `codes` (any shape), same shape.

    codebook: code indexes `codebook`, 2**code_width signed integers of weight_width bits (EIE,
    section 3). fixed: two's complement of code_width bits. log: the top bit is the sign, the
    others the exponent e, weight = +-2**e (LogNet, section 3).
    """
    raw = np.asarray(codes, dtype=np.int64)
    if config.mac is MacKind.CODEBOOK:
        if codebook is None:
            raise ValueError("codebook weights need a codebook")
        return np.asarray(codebook, dtype=np.int64)[raw]
    top = 1 << (config.code_width - 1)
    if config.mac is MacKind.FIXED:
        return raw - 2 * (raw & top)
    magnitude = np.left_shift(np.int64(1), raw & (top - 1))
    return np.where(raw & top, -magnitude, magnitude)
