"""What each PE does when, read from the events of one step's trace."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.format.program import FIRST, PROGRAMS
from golden.timing.trace import Trace

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """Events of one kind that belong to one phase, which is a layer of a stream."""

    kind: str
    """broadcast, issue or operation."""
    pe: int | None
    """None for broadcasts, which go to all PEs."""
    layer: int
    stream: int
    cycles: Ints
    """Cycles of the events, ascending, shape (events,)."""
    name: str = ""
    """Of operations: those of their pass."""


def works(trace: Trace, *, pes: int) -> list[Work]:
    """All broadcasts, entries and cell operations of a step, by phase; operations by pass too."""
    phases, found = trace.events["layer"], list(_entries(trace, pes))
    found += [one for pe in range(pes) for one in _operations(trace, pe)]
    return [
        Work(
            kind=kind,
            pe=pe,
            layer=int(phases[nth, 1]),
            stream=int(phases[nth, 2]),
            cycles=cycles[phase == nth],
            name=name,
        )
        for kind, pe, name, phase, cycles in found
        for nth in np.unique(phase)
    ]


_Found = tuple[str, int | None, str, Ints, Ints]
"""Kind, PE and name of some events; the number of the phase of each, and its cycle."""


def _entries(trace: Trace, pes: int) -> Iterator[_Found]:
    """Broadcasts, and the entries that each PE reads for them."""
    events, starts = trace.events, trace.events["layer"][:, 0]
    broadcast = events["broadcast"][:, 0]
    yield "broadcast", None, "", _since(starts, broadcast), broadcast
    for pe in range(pes):
        push, issue = (events[kind][events[kind][:, 1] == pe] for kind in ("push", "issue"))
        # Jobs of a PE run in the order in which they come, with as many entries as they say.
        phase = np.repeat(_since(starts, push[:, 0]), push[:, 3])
        yield "issue", pe, "", phase, issue[:, 0]


def _operations(trace: Trace, pe: int) -> Iterator[_Found]:
    """A PE's operations, pass by pass."""
    events = trace.events["operation"]
    cycle, _, number, cell = events[events[:, 1] == pe].T
    # A phase begins with a program's first operation on the first cell.
    phase = np.cumsum(np.isin(number, list(FIRST.values())) & (cell == 0)) - 1
    for kind, passes in PROGRAMS.items():
        first = FIRST[kind]
        for ops in passes:
            here = (number >= first) & (number < first + len(ops))
            yield "operation", pe, ", ".join(one.name for one in ops), phase[here], cycle[here]
            first += len(ops)


def _since(starts: Ints, cycles: Ints) -> Ints:
    """Number of the phase whose broadcasts are under way in each cycle."""
    return np.searchsorted(starts, cycles, side="right") - 1


def spans(cycles: Ints, *, gap: int = 0) -> list[tuple[int, int]]:
    """First cycle and length of each run of cycles; gaps of up to `gap` cycles do not end one."""
    if not len(cycles):
        return []
    breaks = np.flatnonzero(np.diff(cycles) > gap + 1) + 1
    return [(int(run[0]), int(run[-1] - run[0]) + 1) for run in np.split(cycles, breaks)]
