"""Broadcasts that wait in the groups, one by one: for tests.golden.timing.slow."""

from collections import deque
from typing import Any

from golden.config import EngineConfig

Broadcast = tuple[Any, tuple[int, int]]
"""The phase; column and value."""


class SlowFifos:
    """Those of one phase, written from docs/timing.md."""

    def __init__(self, config: EngineConfig, flight: int, levels: int) -> None:
        """`flight`: cycles from a grant to the groups; `levels` of the collector's tree."""
        self.config, stop = config, 1 + max(1, levels)
        self.threshold = config.stages.fifo - flight - stop
        self.way = 3 + config.stages.push
        self.waiting: list[deque[Broadcast]] = [deque() for _ in range(config.groups)]
        self.taken: list[deque[Broadcast | None]]
        self.taken = [deque([None] * self.way) for _ in range(config.groups)]
        self.near = deque([False] * stop)
        self.full = [False] * config.groups
        """Whether a queue of each group was nearly full a cycle ago."""
        self.closed: dict[int, int] = {}
        """Group -> first cycle in which all its jobs were pushed before."""

    def step(
        self, cycle: int, levels: list[int], quiet: bool
    ) -> tuple[bool, list[Broadcast | None]]:
        """Whether nothing may be granted; and what each group pushes.

        levels: jobs in all PEs' queues. quiet: everything has arrived.
        """
        size, limit = self.config.group, self.config.queue_depth - self.way - 1
        self.near.append(any(len(one) >= self.threshold for one in self.waiting))
        pushed: list[Broadcast | None] = []
        for group, waiting in enumerate(self.waiting):
            assert len(waiting) <= self.config.stages.fifo
            if quiet and not waiting:
                self.closed.setdefault(group, cycle + self.way)
            takes = waiting and not self.full[group]
            self.taken[group].append(waiting.popleft() if takes else None)
            pushed.append(self.taken[group].popleft())
            mine = levels[group * size : (group + 1) * size]
            self.full[group] = any(level >= limit for level in mine)
        return self.near.popleft(), pushed

    def arrive(self, broadcast: Broadcast) -> None:
        """It is there from the next cycle on."""
        for waiting in self.waiting:
            waiting.append(broadcast)
