"""The cycles of a step of one stream: phases do not overlap, so no cycle needs to be stepped."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.phase import Phase, within
from golden.timing.schedule import Latencies, operation_starts, schedule

Ints = NDArray[np.int64]


class OneStream:
    """A `Timeline` for one stream: a PE's operations never meet its entries.

    What golden.timing.machine finds by stepping through all cycles follows here from the schedule
    of each phase's jobs.
    """

    overlap = 0

    def __init__(self, config: EngineConfig) -> None:
        self.config, self.t = config, Latencies.of(config)
        self.stalls = 0

    def run(self, phases: int, begin: Callable[[int], Phase]) -> int:
        """See `Timeline.run`."""
        cycle = 1 + self.t.late
        for number in range(phases):
            phase = begin(number)
            jobs = schedule(self.config, phase.count.T, cycle)
            self.stalls += jobs.stalls
            phase.start, phase.broadcast, phase.push = cycle, jobs.broadcast, jobs.push
            phase.pop = jobs.pop
            length = len(phase.operations.busy)
            phase.first = operation_starts(self.config, jobs.over, length=length)
            last = int(phase.first.max()) + length - 1
            phase.end = last + phase.output + self.t.late
            cycle = phase.end + 1
        return cycle

    def issues(self, phase: Phase, pe: Ints, pop: Ints, count: Ints) -> Ints:
        """See `Timeline.issues`: the cycles after the pop."""
        return np.repeat(pop + 1, count) + within(count)
