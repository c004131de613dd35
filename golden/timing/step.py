"""The events of a step, phase by phase; subclasses know what each kind of layers does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.config import EngineConfig
from golden.timing.phase import Phase, Timeline, within
from golden.timing.schedule import Latencies
from golden.timing.trace import FIELDS, MAP_FIELDS, Trace, sort_events
from golden.timing.unpack import Counters, Entries

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """A phase and what it broadcasts, in its order."""

    number: int
    """The layer's."""
    stream: int
    phase: Phase
    column: Ints
    """Columns of the layer, shape (K, 1); or where groups have their own (K, groups), -1: none."""
    value: Ints
    """Activations, or their words where they are coded, of the same shape."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Issued:
    """The entries of a phase; arrays of shape (entries,)."""

    pe: Ints
    broadcast: Ints
    """Number of the broadcast."""
    entry: Ints
    """Index in the layer's flat arrays."""
    cycle: Ints
    value: Ints
    """What was sent."""


W = TypeVar("W", bound=Work)


class Step(Generic[W]):
    """Runs one step; `trace` and `counters` are what happened."""

    trace: Trace
    counters: Counters

    def __init__(self, *, config: EngineConfig, timeline: Timeline) -> None:
        self.config, self.timeline, self.t = config, timeline, Latencies.of(config)
        self.group = np.arange(config.pes) // config.group
        """Of each PE."""
        self.busy = 0
        """PE-cycles with an entry or an operation."""
        kinds = {**FIELDS, **(MAP_FIELDS if config.maps.rows else {})}
        self._events: dict[str, list[Ints]] = {
            kind: [np.zeros((0, len(fields)), np.int64)] for kind, fields in kinds.items()
        }
        self._order: Sequence[tuple[int, int]] = ()
        self._work: list[W] = []
        self._settled = 0

    def run(self, order: Sequence[tuple[int, int]]) -> None:
        """All phases: layer and stream of each."""
        self._order = order
        finish = self.timeline.run(len(order), self._begin)
        self._settle(len(order))
        self.emit("finish", finish)
        self.emit("done", self.results(finish))
        self.trace = Trace(
            events={
                kind: sort_events(np.concatenate(parts)) for kind, parts in self._events.items()
            }
        )
        self.counters = Counters(
            cycles=self.trace.cycles,
            macs=self.trace.macs,
            stalls=self.timeline.stalls,
            starved=self.config.pes * self.trace.cycles - self.busy,
        )

    def broadcasts(self, number: int, stream: int) -> W:
        """What a phase broadcasts; its layer and stream."""
        raise NotImplementedError

    def ended(self, work: W) -> None:
        """Everything that a phase did, which is over."""
        raise NotImplementedError

    def results(self, finish: int) -> int:
        """Outputs are handed over; the cycle of done."""
        raise NotImplementedError

    def emit(self, kind: str, *fields: ArrayLike) -> None:
        """Events of a kind, some fields of which may be equal in all."""
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(f, np.int64)) for f in fields))
        self._events[kind].append(np.stack(columns, axis=1))

    def issued(self, layer: Entries, work: Work) -> Issued:
        """Pushes, pops and issues of a phase that is over."""
        phase, lanes = work.phase, self.config.entry_lanes
        pe, k = np.nonzero(phase.count.T)
        sent = (k, self.group[pe] % work.column.shape[1])
        count, column, value = phase.count[k, pe], work.column[sent], work.value[sent]
        start, pop = layer.start[pe, column], phase.pop[k, pe]
        self.emit("push", phase.push[k, pe], pe, start // lanes, count, value)
        self.emit("pop", pop, pe)
        cycle, nth = self.timeline.issues(phase, pe, pop, count), within(count)
        owner = np.repeat(pe, count)
        self.emit("issue", cycle, owner, np.repeat(start, count) + nth)
        self.busy += len(cycle)
        return Issued(
            pe=owner,
            broadcast=np.repeat(k, count),
            entry=np.repeat(layer.first[pe, column], count) + nth,
            cycle=cycle,
            value=np.repeat(value, count),
        )

    def leave(self, start: int, position: Ints, value: Ints, stream: int) -> tuple[int, int]:
        """Results leave one a cycle, as the taker never waits; granted from `start` on.

        Returns when the last one has come to the groups, and when it is taken.
        """
        taken = start + np.arange(len(value)) + self.t.broadcast + 1
        self.emit("output", taken, position, value, stream)
        return start + len(value) + self.t.read, int(taken[-1]) + 1 if len(value) else start

    def _begin(self, nth: int) -> Phase:
        """Phase number `nth` starts."""
        self._settle(nth - self.timeline.overlap)
        self._work.append(self.broadcasts(*self._order[nth]))
        return self._work[-1].phase

    def _settle(self, until: int) -> None:
        """Everything that the phases before number `until` did."""
        while self._settled < until:
            work = self._work[self._settled]
            self.emit("layer", work.phase.start, work.number, work.stream)
            self.ended(work)
            self._settled += 1
