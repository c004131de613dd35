"""The cycles of a step of any number of streams, every cycle stepped (docs/timing.md).

While one phase's activations are broadcast, the operations of the previous phase may still run, and
take cycles of their PEs. So nothing can be computed ahead; the work of a cycle is vectorised over
PEs.
"""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.phase import Phase, within
from golden.timing.schedule import Latencies

Ints = NDArray[np.int64]


class _Active:
    """A phase under way, and its progress."""

    def __init__(self, phase: Phase, number: int, start: int) -> None:
        total, pes = phase.count.shape
        phase.start, phase.first = start, np.full(pes, -1, dtype=np.int64)
        phase.pop = np.full((total, pes), -1, dtype=np.int64)
        self.phase, self.parity, self.total = phase, number % 2, total
        self.beats: list[int] = []
        """Cycles in which its broadcasts moved on."""
        self.quiet = -1
        """First cycle after the last of them."""
        self.handed = 0
        """Cycle in which it became the back."""
        self.left = np.zeros(pes, dtype=np.int64)
        """Jobs that have arrived and are not finished, shape (pes,)."""
        self.over = np.full(pes, -1, dtype=np.int64)
        """When each PE knew that it had issued all its entries."""


class Machine:
    """A `Timeline`: all PEs, their queues, and the two phases that may be under way."""

    def __init__(self, config: EngineConfig) -> None:
        self.config, self.t = config, Latencies.of(config)
        pes, depth = config.pes, config.queue_depth
        self._every = np.arange(pes)
        self._group = self._every // config.group
        self._fifo = np.zeros((pes, depth), dtype=np.int64)  # broadcast, phase parity lowest
        self._counts = np.zeros((pes, depth), dtype=np.int64)
        self._head = np.zeros(pes, dtype=np.int64)
        self._level = np.zeros(pes, dtype=np.int64)
        self._remaining = np.zeros(pes, dtype=np.int64)
        self._running = np.zeros(pes, dtype=np.int64)
        self._near = deque([False] * self.t.status, maxlen=self.t.status + 1)
        self._free = np.zeros(config.groups, dtype=np.int64)
        self.stalls = 0
        self.overlap = int(config.streams > 1)
        # PEs that run an operation, for every cycle from 1 on.
        self._stolen: list[NDArray[np.bool_]] = []

    def run(self, phases: int, begin: Callable[[int], Phase]) -> int:
        """See `Timeline.run`."""
        cycle, number = 1 + self.t.late, 0
        self._stolen += [np.zeros(self.config.pes, dtype=bool)] * self.t.late
        front: _Active | None = _Active(begin(0), 0, cycle)
        back: _Active | None = None
        way: deque[tuple[_Active, int] | None] = deque([None] * self.t.push)
        while True:
            self._near.append(bool((self._level >= self.config.queue_threshold).any()))
            held = self._near[0]
            if back is not None and self._operate(back, cycle):
                last = back.phase.first.max() + len(back.phase.operations.busy) - 1
                back.phase.end = int(last) + back.phase.output + self.t.late
            self._pes(cycle, front, back)
            if arriving := way.popleft():
                self._push(*arriving)
            moved = self._move(front, cycle, held) if front and front.quiet < 0 else None
            way.append((front, moved) if front and moved is not None else None)
            starts = False
            if back is not None and back.phase.end == cycle:
                back, starts = None, front is None
            elif front is not None and 0 <= front.quiet <= cycle and back is None:
                back, front, starts = front, None, self.overlap > 0
                back.handed = cycle
            if starts and number + 1 < phases:
                number += 1
                front = _Active(begin(number), number, cycle + 1)
            if front is None and back is None:
                return cycle + 1
            cycle += 1

    def issues(self, phase: Phase, pe: Ints, pop: Ints, count: Ints) -> Ints:
        """See `Timeline.issues`: the cycles after the pop that no operation takes."""
        stolen = np.array(self._stolen[phase.start - 1 :]).T  # (pes, cycles)
        bounds = np.searchsorted(pe, np.arange(self.config.pes + 1))
        found = [np.zeros(0, dtype=np.int64)]
        for number, taken in enumerate(stolen):
            mine = slice(bounds[number], bounds[number + 1])
            free = phase.start + np.flatnonzero(~taken)
            first = np.searchsorted(free, pop[mine] + 1)
            found.append(free[np.repeat(first, count[mine]) + within(count[mine])])
        return np.concatenate(found)

    def _move(self, front: _Active, cycle: int, held: bool) -> int | None:
        """The broadcasts move on, or are held; the one whose pointers are read in this cycle."""
        if held:
            self.stalls += 1
            return None
        front.beats.append(cycle)
        if len(front.beats) == front.total + self.t.read:
            beats, phase = np.array(front.beats), front.phase
            phase.broadcast = beats[self.t.broadcast :][: front.total]
            push = beats[self.t.read :, None] + self.t.push
            phase.push = np.repeat(push, self.config.pes, axis=1)
            front.quiet = cycle + 1
        nth = len(front.beats) - 1 - self.t.read
        return nth if nth >= 0 else None

    def _pes(self, cycle: int, front: _Active | None, back: _Active | None) -> None:
        """Issue, and pop the next job."""
        stolen = self._busy(cycle, back)
        self._stolen.append(stolen)
        issuing = self._remaining > 0
        fire = issuing & ~stolen
        ends = fire & (self._remaining == 1)
        active = [one for one in (front, back) if one is not None]
        if ends.any():
            for one in active:
                one.left -= ends & (self._running % 2 == one.parity)
        pop = (self._level > 0) & (~issuing | ends)
        if active:
            pop &= self._turn(cycle, active[0].phase)
        self._remaining -= fire
        if pop.any():
            pe = np.flatnonzero(pop)
            slot = self._head[pe] % self.config.queue_depth
            job = self._fifo[pe, slot]
            self._running[pe] = job
            self._remaining[pe] = self._counts[pe, slot]
            self._head[pe] += 1
            self._level[pe] -= 1
            for one in active:
                mine = job % 2 == one.parity
                one.phase.pop[job[mine] // 2, pe[mine]] = cycle

    def _busy(self, cycle: int, back: _Active | None) -> NDArray[np.bool_]:
        """PEs that run an operation in this cycle."""
        if back is None:
            return np.zeros(self.config.pes, dtype=bool)
        busy, since = back.phase.operations.busy, cycle - back.phase.first
        here = (back.phase.first >= 0) & (since >= 0) & (since < len(busy))
        return here & busy[np.where(here, since, 0)]

    def _turn(self, cycle: int, phase: Phase) -> NDArray[np.bool_] | bool:
        """Whose turn it is, if two PEs share an entry memory; counted from the start of `phase`."""
        lanes = self.config.entry_lanes
        if lanes == 1:
            return True
        slot = self._every % self.config.group % lanes
        return (cycle + 1 - phase.start) % lanes == slot

    def _push(self, active: _Active, nth: int) -> None:
        """The jobs of a phase's broadcast number `nth` enter the queues."""
        count = active.phase.count[nth]
        pe = np.flatnonzero(count)
        slot = (self._head[pe] + self._level[pe]) % self.config.queue_depth
        self._fifo[pe, slot] = 2 * nth + active.parity
        self._counts[pe, slot] = count[pe]
        self._level[pe] += 1
        active.left[pe] += 1

    def _operate(self, back: _Active, cycle: int) -> bool:
        """Which PEs are over; each group's next PE. Whether the last PE has been chosen."""
        phase = back.phase
        if phase.end:
            return False
        if cycle >= back.handed + self.t.push:
            back.over[(back.over < 0) & (back.left == 0)] = cycle
        known = back.over + self.config.stages.choose
        ready = (back.over >= 0) & (known < cycle) & (phase.first < 0)
        if not ready.any():
            return False
        groups, lowest = np.unique(self._group[ready], return_index=True)
        for group, pe in zip(groups, np.flatnonzero(ready)[lowest], strict=True):
            if self._free[group] <= cycle:
                phase.first[pe] = cycle + 1
                self._free[group] = cycle + 1 + len(phase.operations.busy)
        return bool((phase.first >= 0).all())
