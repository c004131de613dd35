"""The cycles of a layer with maps, every cycle stepped (docs/timing.md)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.phase import within
from golden.timing.schedule import Latencies

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What a layer does, without its cycles."""

    count: Ints
    """Entries that each beat's broadcast has in each PE, shape (beats, pes)."""
    token: Bools
    """Whether the beat has a token, shape (beats,)."""
    ends: Bools
    """Whether that ends an output row, shape (beats,)."""
    live: int
    """Output rows that are added to at a time."""
    pool: int
    """Output rows that are drained together."""
    drains: int
    """How often each group drains."""
    outputs: int
    """Activations of each PE in a drain."""
    window: int
    """Sums of each activation."""


@dataclass(kw_only=True, eq=False)
class Cycles:
    """When a layer does it."""

    beats: Ints
    """Cycle of each beat, and of those until the last broadcast's pointers are read."""
    pop: Ints
    """Pop of each job or token, shape (beats, pes); meaningless where there is none."""
    drain: Ints
    """First step of each drain of each group, shape (drains, groups)."""
    stolen: Bools
    """PEs of which an issue cycle is taken, from the first cycle on, shape (cycles, pes)."""
    start: int
    """The first cycle."""
    stalls: int
    """Cycles in which broadcasts were held."""
    last: int
    """Cycle of the last step of all drains."""

    def issues(self, pe: Ints, pop: Ints, count: Ints) -> Ints:
        """Issue of every entry, job by job: the cycles after the pop that no drain takes.

        PE, pop and number of entries of each job, by ascending PE.
        """
        bounds = np.searchsorted(pe, np.arange(self.stolen.shape[1] + 1))
        found = [np.zeros(0, dtype=np.int64)]
        for number, taken in enumerate(self.stolen.T):
            mine = slice(bounds[number], bounds[number + 1])
            free = self.start + np.flatnonzero(~taken)
            first = np.searchsorted(free, pop[mine] + 1)
            found.append(free[np.repeat(first, count[mine]) + within(count[mine])])
        return np.concatenate(found)


class _Pe:
    """A PE: its queue, and how long it is busy."""

    def __init__(self) -> None:
        self.queue: deque[int] = deque()
        """Beats of the jobs and tokens that wait."""
        self.until = -1
        """Cycle in which it issues the last entry of its job."""
        self.ended = deque([0, 0])
        """Output rows that it has ended, before the last cycle and before this one."""


class _Group:
    """A group's drains."""

    def __init__(self, pes: Sequence[_Pe], steps: int) -> None:
        self.pes, self.steps = pes, steps
        self.begin = -1
        """First step of the drain under way."""
        self.done = 0
        """Drains that are over."""
        self.freed = deque([0, 0], maxlen=3)
        """As many, after each of the last cycles."""


class Machine:
    """All PEs and their queues, and the groups' drains, during one layer."""

    def __init__(self, config: EngineConfig, plan: Plan, start: int) -> None:
        """`start`: the layer's first cycle."""
        self.config, self.plan, self.t = config, plan, Latencies.of(config)
        self._pes = [_Pe() for _ in range(config.pes)]
        self._groups: list[_Group] = []
        for number in range(config.groups):
            first, size = number * config.group, config.group_size(number)
            mine = self._pes[first : first + size]
            self._groups.append(_Group(mine, plan.outputs * plan.window * size))
        beats = len(plan.token)
        self._count, self._token = plan.count.tolist(), plan.token.tolist()
        self._ends = plan.ends.tolist()
        self._threshold, self._rows = config.queue_threshold, config.maps.rows
        self._near = 0  # PEs whose queue is nearly full
        self._steals: list[tuple[int, int]] = []  # cycle and PE
        self.found = Cycles(
            beats=np.zeros(0, dtype=np.int64),
            pop=np.full((beats, config.pes), -1, dtype=np.int64),
            drain=np.full((plan.drains, config.groups), -1, dtype=np.int64),
            stolen=np.zeros((0, config.pes), dtype=np.bool_),
            start=start,
            stalls=0,
            last=start,
        )

    def run(self) -> Cycles:
        """All cycles."""
        plan, t, cycle, found = self.plan, self.t, self.found.start, self.found
        near = deque([False] * t.status)
        way = deque([-1] * t.push)
        beats: list[int] = []
        total = len(plan.token) + t.read
        while len(beats) < total or any(group.done < plan.drains for group in self._groups):
            near.append(self._near > 0)
            held, front = near.popleft(), len(beats) < total
            for number, group in enumerate(self._groups):
                self._drain(number, group, cycle)
            for number, pe in enumerate(self._pes):
                self._pop(number, pe, cycle)
            if (arriving := way.popleft()) >= 0:
                self._push(arriving)
            found.stalls += held and front
            way.append(len(beats) - t.read if front and not held else -1)
            if front and not held:
                beats.append(cycle)
            cycle += 1
        found.beats = np.array(beats)
        found.stolen = np.zeros((cycle - found.start, self.config.pes), dtype=np.bool_)
        at, pe = np.array(self._steals).T
        found.stolen[at - found.start, pe] = True
        return found

    def _drain(self, number: int, group: _Group, cycle: int) -> None:
        """A step of a group that drains; or the choice whether it begins in the next cycle."""
        if group.begin < 0:
            needed = (group.done + 1) * self.plan.pool
            begins = group.done < self.plan.drains and all(
                pe.ended[0] >= needed for pe in group.pes
            )
            if begins:
                group.begin = cycle + 1
                self.found.drain[group.done, number] = cycle + 1
        else:
            step = cycle - group.begin
            slot = step // self.plan.window % len(group.pes)
            pe = group.pes[slot]
            pe.until += pe.until >= cycle
            self._steals.append((cycle, number * self.config.group + slot))
            if step == group.steps - 1:
                group.begin = -1
                group.done += 1
                self.found.last = cycle
        group.freed.append(group.done * self.plan.pool)

    def _pop(self, number: int, pe: _Pe, cycle: int) -> None:
        """The next job or token, if the PE is free in this cycle."""
        before = pe.ended[1]
        pe.ended.append(before)
        pe.ended.popleft()
        if not pe.queue or pe.until > cycle:
            return
        beat = pe.queue[0]
        if self._ends[beat]:
            freed = self._groups[number // self.config.group].freed[0]
            if before - freed + 1 + self.plan.live > self._rows:
                return
            pe.ended[1] += 1
        pe.queue.popleft()
        self._near -= len(pe.queue) == self._threshold - 1
        self.found.pop[beat, number] = cycle
        if not self._token[beat]:
            pe.until = cycle + self._count[beat][number]

    def _push(self, beat: int) -> None:
        """The jobs of a beat enter the queues, or a token."""
        token, threshold = self._token[beat], self._threshold
        for pe, count in zip(self._pes, self._count[beat], strict=True):
            if token or count:
                pe.queue.append(beat)
                self._near += len(pe.queue) == threshold
                assert len(pe.queue) <= self.config.queue_depth, "a queue overflows"
