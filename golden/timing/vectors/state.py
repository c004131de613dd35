"""What lasts in an engine from step to step."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.integers import saturate
from golden.config import EngineConfig
from golden.format.lists import Place
from golden.timing.unpack import UnpackedLayer

Ints = NDArray[np.int64]
Items = list[tuple[Ints, Ints]]
"""A list of activations: of each group the indices and values, in their order."""


class State:
    """Cell memories and lists of activations; with delta sums, and what was sent last."""

    def __init__(self, config: EngineConfig, layers: Sequence[UnpackedLayer]) -> None:
        self.config = config
        self.left = np.zeros((config.pes, config.cell_words), dtype=np.int64)
        """Left halves of the cell memories, shape (pes, cell_words)."""
        self.right = np.zeros_like(self.left)
        """Right halves, of the same shape."""
        self._odd = 0  # 1 in every other step
        self._lists: dict[int, Items] = {}
        shape = (
            (config.stream_lists, config.groups, config.act_depth) if config.delta else (0, 0, 0)
        )
        self._sent = np.zeros(shape, dtype=np.int64)
        self._sums = {
            number: np.zeros((config.pes, layer.rows * layer.gates), dtype=np.int64)
            for number, layer in enumerate(layers)
            if layer.keep
        }

    def reset(self) -> None:
        """With delta: forget what was sent, and set all sums to zero."""
        for values in (self._sent, *self._sums.values()):
            values[:] = 0

    def next_step(self) -> None:
        """The next step finds what this step wrote."""
        self._odd ^= 1

    def read(self, place: Place, stream: int, *, before: bool = False) -> Items:
        """A stream's list; or its counterpart from the previous step, empty if there was none."""
        nothing = [(np.zeros(0, np.int64), np.zeros(0, np.int64))] * self.config.groups
        return self._lists.get(self._number(place, stream, before=before), nothing)

    def write(self, place: Place, stream: int, items: Items) -> None:
        """Fill a stream's list."""
        self._lists[self._number(place, stream)] = items

    def _number(self, place: Place, stream: int, *, before: bool = False) -> int:
        odd = (self._odd ^ before) & place.alternates
        return place.number + odd + stream * self.config.stream_lists

    def moved(
        self, place: Place, group: int, index: Ints, value: Ints, threshold: int
    ) -> tuple[Ints, Ints]:
        """Indices and differences of what is sent of a group's activations, in their order."""
        known = self._sent[place.number, group]
        difference = saturate(value - known[index], self.config.act_width)
        send = np.abs(difference) > threshold
        known[index[send]] += difference[send]
        return index[send], difference[send]

    def sums(self, number: int, layer: UnpackedLayer) -> Ints:
        """A layer's sums before its activations, shape (pes, rows x gates), to be added to."""
        if number in self._sums:
            return self._sums[number]
        return np.zeros((self.config.pes, layer.rows * layer.gates), dtype=np.int64)
