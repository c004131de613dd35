"""The cycles of a step, every cycle stepped (docs/timing.md).

While activations are broadcast, operations may run, of the previous phase or of earlier rows of a
map, and take cycles of their PEs. So nothing can be computed ahead.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.active import Active, Pe
from golden.timing.maps.drains import Draining
from golden.timing.phase import Phase, within
from golden.timing.schedule import Latencies
from golden.timing.vectors.operating import Operating

Ints = NDArray[np.int64]


class Machine:
    """A `Timeline`: all PEs, their queues, and the phases that may be under way."""

    def __init__(self, config: EngineConfig) -> None:
        self.config, self.t = config, Latencies.of(config)
        self._pes = [Pe() for _ in range(config.pes)]
        self._full = 0  # PEs whose queue is nearly full
        self._near = deque([False] * self.t.status)
        self._steals: list[tuple[int, int]] = []  # cycle and PE of every operation
        self._cycle = 0
        self.stalls = 0
        self.overlap = int(config.streams > 1)

    def run(self, phases: int, begin: Callable[[int], Phase]) -> int:
        """See `Timeline.run`."""
        number = 0
        front: Active | None = self._active(begin(0), 1 + self.t.late)
        back: Active | None = None
        way: deque[tuple[Active, int] | None] = deque([None] * self.t.push)
        cycle = front.phase.start
        while True:
            self._cycle = cycle
            self._near.append(self._full > 0)
            held = self._near.popleft()
            self._issue(cycle, [one for one in (front, back) if one is not None])
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
                front = self._active(begin(number), cycle + 1)
            if front is None and back is None:
                return cycle + 1
            cycle = max(cycle + 1, front.phase.start if front else 0)

    def issues(self, phase: Phase, pe: Ints, pop: Ints, count: Ints) -> Ints:
        """See `Timeline.issues`: the cycles after the pop that no operation takes."""
        steals = self._steals[bisect_left(self._steals, (phase.start, 0)) :]
        stolen = np.zeros((self.config.pes, self._cycle + 1 - phase.start), dtype=np.bool_)
        if steals:
            at, by = np.array(steals).T
            stolen[by, at - phase.start] = True
        bounds = np.searchsorted(pe, np.arange(self.config.pes + 1))
        found = [np.zeros(0, dtype=np.int64)]
        for number, taken in enumerate(stolen):
            mine = slice(bounds[number], bounds[number + 1])
            free = phase.start + np.flatnonzero(~taken)
            first = np.searchsorted(free, pop[mine] + 1)
            found.append(free[np.repeat(first, count[mine]) + within(count[mine])])
        return np.concatenate(found)

    def _active(self, phase: Phase, cycle: int) -> Active:
        """A phase whose words are read from `cycle` on."""
        kind = Operating if phase.plan is None else Draining
        return kind(self.config, phase, self._pes, cycle + phase.fetch)

    def _move(self, front: Active, cycle: int, held: bool) -> int | None:
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
            phase.beats = beats
            front.quiet = cycle + 1
        nth = len(front.beats) - 1 - self.t.read
        return nth if nth >= 0 else None

    def _issue(self, cycle: int, active: Sequence[Active]) -> None:
        """Operations, or entries; and each PE that is free takes what comes next."""
        for one in active:
            for number in one.steals(cycle):
                self._pes[number].until += self._pes[number].until >= cycle
                self._steals.append((cycle, number))
        lanes, group = self.config.entry_lanes, self.config.group
        turn = (cycle + 1 - active[0].phase.start) % lanes if active else 0
        for number, pe in enumerate(self._pes):
            if pe.until > cycle or not pe.queue or number % group % lanes != turn:
                continue
            phase, nth = pe.queue[0]
            if phase.takes(number, nth, cycle):
                pe.queue.popleft()
                self._full -= len(pe.queue) == self.config.queue_threshold - 1
                phase.waiting[number] -= 1
                phase.phase.pop[nth, number] = cycle
                if count := phase.count[nth][number]:
                    pe.running, pe.until = phase, cycle + count

    def _push(self, active: Active, nth: int) -> None:
        """The jobs of a phase's broadcast number `nth` enter the queues, or a token."""
        token, threshold = active.token(nth), self.config.queue_threshold
        for number, (pe, count) in enumerate(zip(self._pes, active.count[nth], strict=True)):
            if token or count:
                pe.queue.append((active, nth))
                active.waiting[number] += 1
                self._full += len(pe.queue) == threshold
                assert len(pe.queue) <= self.config.queue_depth, "a queue overflows"
