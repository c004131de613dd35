"""The cycles of grants and jobs: the part of timing that depends on the data."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.fifos import Fifos

FUNCTION_LATENCY = 5
"""Cycles from a requantised total to the value of its function."""
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Fixed distances of an engine (docs/timing.md); those of broadcasts in beats, not cycles."""

    broadcast: int
    """Beats from grant to broadcast: activation read, collector tree, pointer address."""
    read: int
    """Beats from grant to the read of the column's pointers; or cycles to the groups' FIFOs."""
    push: int
    """Cycles to the push, from that read, or from when the group takes the broadcast."""
    status: int
    """Cycles from a PE's queue to the hold."""
    commit: int
    """Cycles from issue to commit: entry read, decode, multiply, add."""
    result: int
    """Cycles from an operation to its result."""
    late: int
    """Cycles until an activation, or with delta its difference, is written to its list."""

    @classmethod
    def of(cls, config: EngineConfig) -> "Latencies":
        """The distances of one configuration."""
        return cls(
            broadcast=config.collect_stages,
            read=config.arrival_stages,
            push=config.take_stages if config.stages.fifo else 1 + config.stages.push,
            status=config.status_stages,
            commit=1 + config.entry_stages + config.multiplier_stages,
            # Without cells a sum leaves straight from its RAM, with cells through the adder.
            result=config.entry_stages
            + config.multiplier_stages
            + (6 if config.cells else 4)
            + config.stages.drain,
            late=config.store_stages,
        )


@dataclass(kw_only=True, eq=False)
class Jobs:
    """Schedule of one layer's jobs, K broadcasts; in cycles."""

    broadcast: NDArray[np.int64]
    """Cycle in which each broadcast leaves the collector, shape (K,)."""
    push: NDArray[np.int64]
    """Push of each broadcast's jobs, shape (K, pes)."""
    pop: NDArray[np.int64]
    """Pop of each job, shape (K, pes); meaningless where the column is empty."""
    over: NDArray[np.int64]
    """First cycle in which each PE knows that it has issued all its entries, shape (pes,)."""
    stalls: int
    """Cycles in which the broadcasts were held."""


class _Queues:
    """All PEs' queues: when each job is popped, and how full the fullest is."""

    def __init__(self, config: EngineConfig, work: NDArray[np.int64], start: int) -> None:
        """`work` is the entries of each broadcast's column, shape (K, pes)."""
        total, pes = work.shape
        self._work, self._some, self._start = work, work > 0, start
        # With two PEs on one memory, each may begin in every other cycle only.
        turns = config.entry_lanes
        self._turns, self._slot = turns, np.arange(pes) % config.group % turns
        self.pop = np.full((total, pes), _NEVER, dtype=np.int64)
        self.free = np.full(pes, start, dtype=np.int64)
        self._leaves = np.full((pes, total + 1), _NEVER, dtype=np.int64)  # pops, job by job
        self._jobs = np.zeros(pes, dtype=np.int64)
        self._left = np.zeros(pes, dtype=np.int64)
        self._every = np.arange(pes)

    def push(self, k: int | NDArray[np.int64], cycle: int) -> None:
        """The jobs of broadcast k, or one for each PE, enter, which decides when they leave.

        Less than 0 is none.
        """
        number = np.broadcast_to(k, self._every.shape)
        here = (number >= 0) & self._some[number, self._every]
        first = np.maximum(cycle + 1, self.free)
        if self._turns > 1:
            first += (self._slot - (first + 1 - self._start)) % self._turns
        mine = self._every[here]
        self.pop[number[here], mine] = first[here]
        self.free = np.where(here, first + self._work[number, self._every], self.free)
        self._leaves[self._every[here], self._jobs[here]] = first[here]
        self._jobs += here

    def levels(self, cycle: int) -> NDArray[np.int64]:
        """Jobs in each queue after this cycle's pops, shape (pes,); call it in every cycle."""
        self._left += self._leaves[self._every, self._left] == cycle
        return self._jobs - self._left


def schedule(config: EngineConfig, count: NDArray[np.int64], start: int) -> Jobs:
    """Broadcasts and pops of one layer, stepping cycle by cycle, vectorised over PEs.

    `count` is the entries of each broadcast's column, shape (pes, K), in broadcast order; `start`
    is the first cycle in which a broadcast may be granted. In every cycle without a hold the
    broadcasts move on by one beat; with a hold, none moves.
    """
    if config.stages.fifo:
        return _through_fifos(config, count, start)
    t = Latencies.of(config)
    total = count.shape[1]
    queues = _Queues(config, np.ascontiguousarray(count.T), start)
    beats = np.zeros(total + t.read, dtype=np.int64)  # cycle of each beat
    near = deque([False] * t.status, maxlen=t.status + 1)
    way: deque[int | None] = deque([None] * t.push)
    beat, cycle, stalls, level = 0, start, 0, 0
    while beat < total + t.read:
        # How full the queues are shows in the hold `status` cycles later.
        near.append(level >= config.queue_threshold)
        if (arriving := way.popleft()) is not None:
            queues.push(arriving, cycle)
        way.append(beat - t.read if t.read <= beat and not near[0] else None)
        if near[0]:
            stalls += 1
        else:
            beats[beat] = cycle
            beat += 1
        level = int(queues.levels(cycle).max())
        cycle += 1
    for nth, arriving in enumerate(way):
        if arriving is not None:
            queues.push(arriving, cycle + nth)
    return Jobs(
        broadcast=beats[t.broadcast : t.broadcast + total],
        push=np.repeat(beats[t.read : t.read + total, None] + t.push, config.pes, axis=1),
        pop=queues.pop,
        over=np.maximum(queues.free + 1, beats[-1] + t.push + 1),
        stalls=stalls,
    )


def _through_fifos(config: EngineConfig, count: NDArray[np.int64], start: int) -> Jobs:
    """The same where each group has a FIFO: what is granted moves on whatever happens."""
    t, group = Latencies.of(config), np.arange(config.pes) // config.group
    first = np.arange(config.groups) * config.group
    queues = _Queues(config, np.ascontiguousarray(count.T), start)
    fifos = Fifos(config, count.shape[1], start)
    nothing = np.full(config.groups, -1)
    way = deque([nothing] * t.push)
    levels, now, cycle = np.zeros(config.pes, dtype=np.int64), nothing > 0, start
    while not fifos.done(cycle) or any((taken >= 0).any() for taken in way):
        full, now = now, np.maximum.reduceat(levels, first) >= config.queue_threshold
        way.append(fifos.step(cycle, full))
        if ((taken := way.popleft()) >= 0).any():
            queues.push(taken[group], cycle)
        levels = queues.levels(cycle)
        cycle += 1
    return Jobs(
        broadcast=fifos.granted + t.broadcast,
        push=fifos.taken[:, group] + t.push,
        pop=queues.pop,
        over=np.maximum(queues.free + 1, fifos.passed[group] + t.push),
        stalls=fifos.stalls,
    )


def operation_starts(
    config: EngineConfig, over: NDArray[np.int64], *, length: int
) -> NDArray[np.int64]:
    """Cycle of each PE's first operation, shape (pes,), when phases do not overlap.

    `over` (pes,): the first cycle in which each PE knows that it has issued all its entries.
    `length`: cycles from a PE's first operation to its last, both counted. A group runs the
    operations of one PE at a time; in a cycle in which it runs none it chooses its lowest PE that
    was over in an earlier one, or with `stages.choose` the one before.
    """
    starts, over = np.zeros(config.pes, dtype=np.int64), over + config.stages.choose
    for group in range(config.groups):
        first = group * config.group
        left = list(range(first, first + config.group_size(group)))
        cycle = 0
        while left:
            cycle = max(cycle, int(over[left].min()) + 1)
            pe = next(pe for pe in left if over[pe] < cycle)
            left.remove(pe)
            starts[pe] = cycle + 1
            cycle += length + 1
    return starts
