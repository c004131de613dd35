"""The operations of a phase of vectors, PE by PE in each group (docs/timing.md)."""

from collections.abc import Iterable, Sequence

from golden.config import EngineConfig
from golden.timing.active import Active, Pe
from golden.timing.phase import Phase
from golden.timing.schedule import Latencies


class Operating(Active):
    """When all its broadcasts have moved on, its PEs run their programs as they become free."""

    def __init__(self, config: EngineConfig, phase: Phase, pes: Sequence[Pe], start: int) -> None:
        super().__init__(phase, pes, start)
        self.config, self.t = config, Latencies.of(config)
        self._left = list(range(config.pes))
        """PEs that have not issued all their entries, as far as is known."""
        self._ready: list[list[tuple[int, int]]] = [[] for _ in range(config.groups)]
        """Of each group, PEs that were not chosen yet, and when they knew that they were over."""
        self._runs: list[tuple[int, int]] = [(0, -1)] * config.groups
        """Of each group the PE that was chosen last, and its first operation."""
        self._chosen = 0

    def steals(self, cycle: int) -> Iterable[int]:
        """See `Active`; also each group's next PE."""
        if self.handed < 0:
            return ()
        busy = self.phase.operations.busy
        if not self.phase.end:
            self._choose(cycle)
        since = [(number, cycle - first) for number, first in self._runs if first >= 0]
        return [number for number, nth in since if 0 <= nth < len(busy) and busy[nth]]

    def _choose(self, cycle: int) -> None:
        """Which PEs are over; each group's lowest that knew it in an earlier cycle."""
        if cycle >= self.handed + self.t.push:
            for number in [one for one in self._left if self._is_over(one, cycle)]:
                self._left.remove(number)
                self._ready[number // self.config.group].append((number, cycle))
        phase, length = self.phase, len(self.phase.operations.busy)
        for group, ready in enumerate(self._ready):
            _, last = self._runs[group]
            known = [one for one in ready if one[1] + self.config.stages.choose < cycle]
            if known and (last < 0 or last + length <= cycle):
                ready.remove(chosen := min(known))
                self._runs[group] = (chosen[0], cycle + 1)
                phase.first[chosen[0]] = cycle + 1
                self._chosen += 1
        if self._chosen == self.config.pes:
            phase.end = int(phase.first.max()) + length - 1 + phase.output + self.t.late

    def _is_over(self, number: int, cycle: int) -> bool:
        """Whether a PE has issued all its entries in earlier cycles; none comes any more."""
        pe = self.pes[number]
        return not self.waiting[number] and (pe.running is not self or pe.until < cycle)
