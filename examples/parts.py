"""Parts of a data set of images."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Some samples: x in 0..1, float32 (samples, inputs), and y, int64 (samples,)."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> "Part":
        """The samples of these numbers."""
        return Part(x=self.x[chosen], y=self.y[chosen])


def joined(*parts: Part) -> Part:
    """One after the other."""
    return Part(x=np.concatenate([p.x for p in parts]), y=np.concatenate([p.y for p in parts]))


def shifted(part: Part) -> Part:
    """The part and its copies moved by one pixel in each of the four directions; square images."""
    side = math.isqrt(part.x.shape[1])
    padded = np.pad(part.x.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    moves = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    copies = [padded[:, down : down + side, right : right + side] for down, right in moves]
    return Part(x=np.concatenate(copies).reshape(-1, side * side), y=np.tile(part.y, len(moves)))
