"""When each broadcast is granted and each job runs: the part of timing that depends on the data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Fixed distances of an engine, in cycles (docs/timing.md)."""

    broadcast: int
    """Grant to broadcast: activation read, collector tree, pointer address."""
    push: int
    """Grant to push: the broadcast's registers and the pointer read."""
    status: int
    """A PE's queue state to the collector."""
    settle: int
    """A grant's job, if any, shows in the PEs' busy state this many cycles later, plus one."""
    commit: int
    """Issue to commit: entry read, decode, multiply, add."""
    drain_wait: int
    """Idle cycles before the drain, so that the last commit is written."""

    @classmethod
    def of(cls, config: EngineConfig) -> "Latencies":
        """The distances of one configuration."""
        push = 3 + config.collector_levels + config.broadcast_stages
        return cls(
            broadcast=2 + config.collector_levels,
            push=push,
            status=config.status_stages,
            settle=push + config.status_stages,
            commit=3 + config.multiplier_stages,
            drain_wait=max(0, 2 + config.multiplier_stages - config.status_stages),
        )


@dataclass(kw_only=True, eq=False)
class Jobs:
    """Schedule of one layer's jobs, K broadcasts; in cycles."""

    grant: NDArray[np.int64]
    """Grant of each broadcast, shape (K,)."""
    pop: NDArray[np.int64]
    """Pop of each job, shape (K, pes); meaningless where the column is empty."""
    last_issue: NDArray[np.int64]
    """Last issue of each PE, shape (pes,)."""
    stalls: int
    """Cycles in which a broadcast waited for a queue."""


def schedule(config: EngineConfig, count: NDArray[np.int64], start: int) -> Jobs:
    """Grants and pops of one layer, stepping cycle by cycle, vectorised over PEs.

    `count` is the entries of each broadcast's column, shape (pes, K), in broadcast order; `start`
    is the first cycle in which a broadcast may be granted.
    """
    t, threshold = Latencies.of(config), config.queue_threshold
    pes, total = count.shape
    work = np.ascontiguousarray(count.T)
    some = work > 0
    grant = np.zeros(total, dtype=np.int64)
    pop = np.full((total, pes), _NEVER, dtype=np.int64)
    free = np.full(pes, _NEVER // 2 * -1, dtype=np.int64)
    queue = np.full((pes, total + 1), _NEVER, dtype=np.int64)  # pop cycles, job by job
    jobs = np.zeros(pes, dtype=np.int64)
    popped = np.zeros(pes, dtype=np.int64)
    level = np.zeros(pes, dtype=np.int64)
    every = np.arange(pes)
    k = pushed = stalls = 0
    cycle = start
    while k < total:
        # What the collector sees now is each queue as it was `status` cycles ago, which shows the
        # pushes and pops of the cycle before that.
        seen = cycle - t.status - 1
        if pushed < k and grant[pushed] + t.push == seen:
            level += some[pushed]
            pushed += 1
        left = queue[every, popped] == seen
        level -= left
        popped += left
        if level.max() >= threshold:
            stalls += 1
        else:
            here = some[k]
            first = np.maximum(cycle + t.push + 1, free)
            pop[k] = first
            free = np.where(here, first + work[k], free)
            queue[every[here], jobs[here]] = first[here]
            jobs += here
            grant[k] = cycle
            k += 1
        cycle += 1
    return Jobs(grant=grant, pop=pop, last_issue=free, stalls=stalls)
