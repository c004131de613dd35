"""The groups' memories of maps: rows of items, with the length of each in front."""

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig

Ints = NDArray[np.int64]
Row = list[tuple[Ints, Ints]]
"""Of each group, the indices and values of a row's items, in their order."""


class MapMemory:
    """Words of all groups, and where the next row is written or read."""

    def __init__(self, config: EngineConfig) -> None:
        self._groups = config.groups
        shape = (config.groups, config.maps.depth)
        self._index = np.zeros(shape, dtype=np.int64)  # or the length of a row
        self._value = np.zeros(shape, dtype=np.int64)

    def begin(self, region: int) -> Ints:
        """Where a map's first row is in each group, shape (groups,); `read`, `write` move on."""
        return np.full(self._groups, region)

    def write(self, at: Ints, row: Row) -> None:
        """The next row of a map, whose length goes in front."""
        for group, (index, value) in enumerate(row):
            first = int(at[group])
            end = first + 1 + len(index)
            assert end <= self._index.shape[1], "a map exceeds its memory"
            self._index[group, first] = len(index)
            self._index[group, first + 1 : end] = index
            self._value[group, first + 1 : end] = value
            at[group] = end

    def read(self, at: Ints) -> Row:
        """The next row of a map."""
        found: Row = []
        for group in range(self._groups):
            first = int(at[group])
            end = first + 1 + int(self._index[group, first])
            here = slice(first + 1, end)
            found.append((self._index[group, here].copy(), self._value[group, here].copy()))
            at[group] = end
        return found
