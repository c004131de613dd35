"""Drains of a layer with maps, row by row, while its broadcasts go on (docs/timing.md)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from golden.config import EngineConfig
from golden.timing.active import Active, Pe
from golden.timing.phase import Phase, Plan


class _Group:
    """A group's drains."""

    def __init__(self, first: int, size: int, plan: Plan) -> None:
        self.first, self.size = first, size
        self.steps = plan.outputs * plan.window * size
        self.begin = -1
        """First step of the drain under way."""
        self.over: list[int] = []
        """Last step of each drain that is over."""
        self.ended: list[tuple[int, int]] = []
        """Of each output row, how many PEs have ended it, and the last of their cycles."""


class Draining(Active):
    """Tokens end output rows; when all PEs of a group have ended one it is drained."""

    def __init__(self, config: EngineConfig, phase: Phase, pes: Sequence[Pe], start: int) -> None:
        super().__init__(phase, pes, start)
        assert phase.plan is not None
        self.config, self.plan = config, phase.plan
        self._token, self._ends = self.plan.token.tolist(), self.plan.ends.tolist()
        self._rows = [0] * config.pes  # that each PE has ended
        self._groups = [
            _Group(number * config.group, config.group_size(number), self.plan)
            for number in range(config.groups)
        ]
        phase.drain = np.full((self.plan.drains, config.groups), -1, dtype=np.int64)

    def token(self, beat: int) -> bool:
        """See `Active`."""
        return self._token[beat]

    def takes(self, pe: int, beat: int, cycle: int) -> bool:
        """See `Active`: a token that ends a row waits until the ring has room for another one."""
        if not self._ends[beat]:
            return True
        group, row = self._groups[pe // self.config.group], self._rows[pe]
        freed = self.plan.pool * bisect_right(group.over, cycle - 2)
        if row - freed + 1 + self.plan.live > self.config.maps.rows:
            return False
        self._rows[pe] = row + 1
        if row == len(group.ended):
            group.ended.append((0, 0))
        group.ended[row] = (group.ended[row][0] + 1, cycle)
        return True

    def steals(self, cycle: int) -> Iterable[int]:
        """See `Active`; also which groups begin to drain in the next cycle."""
        found = []
        for number, group in enumerate(self._groups):
            if group.begin < 0:
                if self._may_begin(group, cycle):
                    group.begin = cycle + 1
                    self.phase.drain[len(group.over), number] = cycle + 1
                continue
            step = cycle - group.begin
            found.append(group.first + step // self.plan.window % group.size)
            if step == group.steps - 1:
                group.begin = -1
                group.over.append(cycle)
                if all(len(one.over) == self.plan.drains for one in self._groups):
                    self.phase.end = cycle + self.phase.output
        return found

    def _may_begin(self, group: _Group, cycle: int) -> bool:
        """Whether all its PEs have ended the rows of the next drain, two cycles ago or before."""
        drain = len(group.over)
        needed = (drain + 1) * self.plan.pool
        if drain == self.plan.drains or len(group.ended) < needed:
            return False
        pes, last = group.ended[needed - 1]
        return pes == group.size and last <= cycle - 2
