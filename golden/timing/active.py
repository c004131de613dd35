"""A phase under way: its progress, and what takes issue cycles of its PEs."""

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from golden.timing.phase import Phase


class Pe:
    """A PE: its queue, and how long it is busy."""

    __slots__ = ("queue", "running", "until")

    def __init__(self) -> None:
        self.queue: deque[tuple[Active, int]] = deque()
        """Phase and broadcast of the jobs and tokens that wait."""
        self.running: Active | None = None
        """Phase of the job that was taken last."""
        self.until = -1
        """Cycle in which it issues that job's last entry, if no operation comes before."""


class Active:
    """Progress of a phase; what a kind of layers does besides broadcasts is in subclasses."""

    def __init__(self, phase: Phase, pes: Sequence[Pe], start: int) -> None:
        total, number = phase.count.shape
        phase.start, phase.first = start, np.full(number, -1, dtype=np.int64)
        phase.pop = np.full((total, number), -1, dtype=np.int64)
        self.phase, self.pes, self.total = phase, pes, total
        self.count: list[list[int]] = phase.count.tolist()
        """Entries of each broadcast's column in each PE."""
        self.beats: list[int] = []
        """Cycles in which its broadcasts moved on."""
        self.quiet = -1
        """First cycle after the last of them."""
        self.handed = -1
        """Cycle in which all its broadcasts had moved on, and its operations may begin."""
        self.waiting = [0] * number
        """Its jobs in each PE's queue."""

    def steals(self, cycle: int) -> Iterable[int]:
        """PEs that run an operation in this cycle; call it once in every cycle, in order."""
        raise NotImplementedError

    def token(self, beat: int) -> bool:
        """Whether this broadcast is a token, which enters all queues."""
        del beat
        return False

    def takes(self, pe: int, beat: int, cycle: int) -> bool:
        """Whether a PE that is free takes this job or token, the head of its queue, now."""
        del pe, beat, cycle
        return True
