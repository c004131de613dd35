"""Broadcasts that wait in each group, until its own queues have room (docs/timing.md)."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig


class Fifos:
    """The broadcasts of one phase, cycle by cycle, from their grants until all groups took them."""

    def __init__(self, config: EngineConfig, total: int, start: int) -> None:
        """`total` broadcasts; the first may be granted in cycle `start`."""
        self._config, self._total = config, total
        self.granted = np.zeros(total, dtype=np.int64)
        """Cycle of each grant, shape (total,)."""
        self.taken = np.zeros((total, config.groups), dtype=np.int64)
        """Cycle in which each group took each broadcast, shape (total, groups)."""
        self.stalls = 0
        """Cycles without a grant because of a nearly full FIFO, until the phase was quiet."""
        self.quiet = start + config.arrival_stages
        """First cycle in which all have arrived; that of what was granted so far."""
        self._grants = self._arrived = 0
        self._left = np.zeros(config.groups, dtype=np.int64)
        self._way = deque([0] * config.arrival_stages)
        late = 1 + config.tree_stages
        self._near = deque([False] * late, maxlen=late + 1)

    def step(self, cycle: int, full: NDArray[np.bool_]) -> NDArray[np.int64]:
        """One cycle: the broadcast that each group takes, or -1, shape (groups,).

        `full` (groups,): a queue of the group was nearly full a cycle ago.
        """
        waiting = self._arrived - self._left
        assert waiting.max() <= self._config.stages.fifo, "a FIFO overflows"
        self._near.append(bool((waiting >= self._config.fifo_threshold).any()))
        taken = np.where((waiting > 0) & ~full, self._left, -1)
        group = np.flatnonzero(taken >= 0)
        self.taken[taken[group], group] = cycle
        self._left[group] += 1
        self._arrived += self._way.popleft()
        more = self._grants < self._total
        self.stalls += self._near[0] and (more or cycle < self.quiet)
        self._way.append(int(more and not self._near[0]))
        if self._way[-1]:
            self.granted[self._grants] = cycle
            self._grants += 1
            self.quiet = cycle + 1 + self._config.arrival_stages
        return taken

    def done(self, cycle: int) -> bool:
        """Whether all groups have taken everything before this cycle, and know that."""
        everything = self._grants == self._total and bool((self._left == self._total).all())
        return everything and cycle >= self.quiet

    @property
    def passed(self) -> NDArray[np.int64]:
        """First cycle in which each group knows that its FIFO stays empty, shape (groups,)."""
        last = self.taken.max(axis=0, initial=0) + 1
        return np.maximum(last, self.quiet)
