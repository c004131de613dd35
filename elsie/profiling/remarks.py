"""What is wrong with the values of a layer, in sentences."""

import numpy as np

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.calibrate import fake_quantise
from golden.kinds import Powers

GAIN, ENOUGH = 3.0, 0.02
"""A scale is bad if another has so many times less rounding error, and the error is at least this
share of the values."""
DIED = 0.05
"""Share of outputs that golden alone loses which deserves a word."""


def remarks(
    what: str,
    alone: Reals,
    *,
    act_width: int,
    powers: Powers,
    frac: int,
    best: int,
    clipped: float,
    died: float,
) -> tuple[str, ...]:
    """A bad scale, and outputs that have died; none where all is well.

    alone: real values (samples, width) that were to be put on the grid of `frac` places, or on
    `powers` in it; on that of `best` the error would be least. clipped: their share beyond the
    grid. died: share of outputs that are always 0 in golden only.
    """

    def lost(places: int) -> float:
        rounded = fake_quantise(alone, places, act_width=act_width, powers=powers)
        return float(np.linalg.norm(rounded - alone))

    found, size = [], float(np.linalg.norm(alone))
    if lost(frac) > max(GAIN * lost(best), ENOUGH * size):
        bits = abs(frac - best)
        if frac > best:
            why = f"too fine, and {100 * clipped:.1f} % of its values are clipped"
        else:
            why = "too coarse for its values"
        found.append(
            f"{what}: its scale is {bits} bit{'s' * (bits > 1)} {why}; it has {frac} fraction "
            f"bits, and {best} suit these inputs; calibrate with inputs like these"
        )
    if died > DIED:
        found.append(
            f"{what}: {100 * died:.1f} % of its outputs are 0 for every sample, but not in the "
            f"float network"
        )
    return tuple(found)
