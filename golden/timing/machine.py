"""When everything happens in one step of an engine with cells, cycle by cycle (docs/timing.md).

The layers of all streams are phases. While one phase's activations are broadcast, the cell
operations of the phase before may still run, and take cycles of the PEs that they need. So nothing
can be computed ahead: every cycle is stepped, vectorised over PEs.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.program import FIRST, PROGRAMS, Kind
from golden.timing.schedule import Latencies

DELTA_LATENCY = 2
"""Cycles from an activation to its difference, where only those are kept."""

FUNCTION_LATENCY = 5
"""Cycles from a requantised total to the value of its function."""


@dataclass(frozen=True, kw_only=True)
class Operations:
    """The operations of one PE in one phase, in their order."""

    number: NDArray[np.int64]
    """Which, counted through all programs, shape (operations,)."""
    cell: NDArray[np.int64]
    """Local cell, or local row of a dense layer."""
    offset: NDArray[np.int64]
    """Cycles from the first one."""
    busy: NDArray[np.bool_]
    """Whether there is one, at each offset up to the last."""


def operations(config: EngineConfig, kind: Kind, cells: int) -> Operations:
    """Expand a program for so many cells (or rows of a dense layer) in a PE."""
    number, cell, offset = [], [], []
    at, nth = 0, FIRST[kind]
    # The operands of a pass are read when the last result of the pass before is written.
    wait = config.multiplier_stages + 7 + FUNCTION_LATENCY
    for one_pass in PROGRAMS[kind]:
        for k in range(cells):
            for op in range(len(one_pass)):
                number.append(nth + op)
                cell.append(k)
                offset.append(at)
                at += 1
        nth += len(one_pass)
        at += wait - 1
    offsets = np.array(offset)
    busy = np.zeros(offsets[-1] + 1, dtype=bool)
    busy[offsets] = True
    return Operations(number=np.array(number), cell=np.array(cell), offset=offsets, busy=busy)


@dataclass(kw_only=True, eq=False)
class Phase:
    """One layer of one stream: what is known when it starts, and then its schedule, in cycles."""

    count: NDArray[np.int64]
    """Entries of each broadcast's column, shape (K, pes)."""
    operations: Operations
    start: int = 0
    """First cycle; a broadcast may be granted in it."""
    pop: NDArray[np.int64] = field(init=False)
    """Pop of each job, shape (K, pes); meaningless where the column is empty."""
    first: NDArray[np.int64] = field(init=False)
    """First operation of each PE, shape (pes,)."""
    end: int = 0
    """Cycle in which the last output is written."""

    def __post_init__(self) -> None:
        """Make room."""
        total, pes = self.count.shape
        self.steps: list[int] = []
        self.pop = np.full((total, pes), -1, dtype=np.int64)
        self.first = np.full(pes, -1, dtype=np.int64)
        self.over = np.full(pes, -1, dtype=np.int64)
        self.sums = np.zeros((pes, 0), dtype=np.int64)
        """Sums before the phase, shape (pes, rows)."""
        self.left = np.zeros(pes, dtype=np.int64)
        """Jobs that have come and are not done, shape (pes,)."""

    @property
    def total(self) -> int:
        """Broadcasts."""
        return len(self.count)


class Machine:
    """All PEs, their queues, and the two phases that may be under way."""

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
        self.stolen: list[NDArray[np.bool_]] = []
        """PEs that run an operation, for every cycle from 1 on."""

    def run(self, phases: int, work: Callable[[int], Phase]) -> int:
        """All phases; `work` is asked for each when it starts, the one before last being over.

        Returns the cycle of finish.
        """
        overlapped = self.config.streams > 1
        front: Phase | None = work(0)
        back: Phase | None = None
        late = DELTA_LATENCY if self.config.delta else 0
        number, cycle, arriving = 0, 1 + late, None
        front.start = cycle
        self.stolen += [np.zeros(self.config.pes, dtype=bool)] * late
        quiet, handed = -1, 0
        while True:
            self._near.append(bool((self._level >= self.config.queue_threshold).any()))
            held = self._near[0]
            if back is not None and self._operate(back, cycle, handed):
                last = back.first + back.operations.offset[-1]
                back.end = int(last.max()) + self.t.result + late
            self._pes(cycle, front, back, number)
            if arriving is not None and front is not None:
                self._push(front, arriving, number)
            arriving = None
            if front is not None and quiet < 0:
                arriving = self._step(front, cycle, held)
                if len(front.steps) == front.total + self.t.read:
                    quiet = cycle + 1
            if back is not None and back.end == cycle:
                back = None
                if front is None and number + 1 == phases:
                    return cycle + 1
                if front is None:
                    number, quiet = number + 1, -1
                    front = work(number)
                    front.start = cycle + 1
            elif front is not None and 0 <= quiet <= cycle and back is None:
                back, front, handed = front, None, cycle
                if overlapped and number + 1 < phases:
                    number, quiet = number + 1, -1
                    front = work(number)
                    front.start = cycle + 1
            cycle += 1

    def _step(self, front: Phase, cycle: int, held: bool) -> int | None:
        """The broadcasts move on, or are held; the one whose pointers are read in this cycle."""
        if held:
            self.stalls += 1
            return None
        front.steps.append(cycle)
        nth = len(front.steps) - 1 - self.t.read
        return nth if nth >= 0 else None

    def _pes(self, cycle: int, front: Phase | None, back: Phase | None, number: int) -> None:
        """Issue, and pop the next job."""
        stolen = np.zeros(self.config.pes, dtype=bool)
        if back is not None:
            since = cycle - back.first
            busy = back.operations.busy
            here = (back.first >= 0) & (since >= 0) & (since < len(busy))
            stolen = here & busy[np.where(here, since, 0)]
        self.stolen.append(stolen)
        issuing = self._remaining > 0
        fire = issuing & ~stolen
        ends = fire & (self._remaining == 1)
        if ends.any():
            for phase, parity in ((front, number % 2), (back, self._parity(front, number))):
                if phase is not None:
                    phase.left -= ends & (self._running % 2 == parity)
        pop = (self._level > 0) & (~issuing | ends) & self._turn(cycle, front or back)
        self._remaining -= fire
        if pop.any():
            pe = np.flatnonzero(pop)
            slot = self._head[pe] % self.config.queue_depth
            job = self._fifo[pe, slot]
            self._running[pe] = job
            self._remaining[pe] = self._counts[pe, slot]
            self._head[pe] += 1
            self._level[pe] -= 1
            for phase, parity in ((front, number % 2), (back, self._parity(front, number))):
                if phase is not None:
                    mine = job % 2 == parity
                    phase.pop[job[mine] // 2, pe[mine]] = cycle

    @staticmethod
    def _parity(front: Phase | None, number: int) -> int:
        """Parity of the phase whose operations run: the one before the front, if there is one."""
        return (number - (front is not None)) % 2

    def _turn(self, cycle: int, phase: Phase | None) -> NDArray[np.bool_] | bool:
        """Whose turn it is, where two PEs share an entry memory; since `phase` has begun."""
        lanes = self.config.entry_lanes
        if lanes == 1 or phase is None:
            return True
        slot = self._every % self.config.group % lanes
        return (cycle + 1 - phase.start) % lanes == slot

    def _push(self, front: Phase, nth: int, number: int) -> None:
        """The jobs of broadcast number `nth` enter the queues."""
        count = front.count[nth]
        pe = np.flatnonzero(count)
        slot = (self._head[pe] + self._level[pe]) % self.config.queue_depth
        self._fifo[pe, slot] = 2 * nth + number % 2
        self._counts[pe, slot] = count[pe]
        self._level[pe] += 1
        front.left[pe] += 1

    def _operate(self, back: Phase, cycle: int, handed: int) -> bool:
        """Which PEs are over; each group's next PE. Whether the last PE has been chosen."""
        if back.end:
            return False
        if cycle > handed:
            back.over[(back.over < 0) & (back.left == 0)] = cycle
        ready = (back.over >= 0) & (back.over < cycle) & (back.first < 0)
        if not ready.any():
            return False
        groups, lowest = np.unique(self._group[ready], return_index=True)
        for group, pe in zip(groups, np.flatnonzero(ready)[lowest], strict=True):
            if self._free[group] <= cycle:
                back.first[pe] = cycle + 1
                self._free[group] = cycle + 1 + len(back.operations.busy)
        return bool((back.first >= 0).all())
