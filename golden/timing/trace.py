"""The event trace: what happens in an engine, with its cycle; and the comparison of two traces."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FIELDS: dict[str, tuple[str, ...]] = {
    "layer": ("cycle", "layer", "stream"),
    "broadcast": ("cycle", "column", "value"),
    "push": ("cycle", "pe", "start", "count", "value"),
    "pop": ("cycle", "pe"),
    "issue": ("cycle", "pe", "address"),
    "commit": ("cycle", "pe", "row", "value"),
    "operation": ("cycle", "pe", "operation", "cell"),
    "gate": ("cycle", "pe", "half", "address", "value"),
    "drain": ("cycle", "pe", "row", "value"),
    "finish": ("cycle",),
    "output": ("cycle", "position", "value", "stream"),
    "done": ("cycle",),
}
"""Event kinds and their fields. Cycle 0 is the cycle that takes the last input.

layer: a layer starts. broadcast: a non-zero activation and its column leave the collector. push and
pop: a job enters or leaves a PE's activation queue. issue: a PE reads an entry. commit: an
accumulator takes its new value. operation: a PE begins a cell operation, by its number in
golden.format.program.OPERATIONS. gate: a word of a PE's cell memory is written, 1 is the right
half. drain: an output activation is ready. finish: the results are ready. output: a non-zero result
is handed over. done: the inference is over. No two events of a kind share their first two fields.
"""

MAP_FIELDS: dict[str, tuple[str, ...]] = {
    "row": ("cycle", "source", "row"),
    "local": ("cycle", "group", "column", "value"),
    "token": ("cycle", "pe", "slot"),
    "steal": ("cycle", "pe", "address"),
    "length": ("cycle", "group", "items"),
}
"""Further ones of engines with maps.

row: a row of a map begins to be read. local: a broadcast of a group to its own PEs. token: a PE
takes a token, after which its additions begin in this row of the ring. steal: a drain takes a sum,
and with it an issue cycle. length: a row of a group's list has ended, with so many items.
"""


@dataclass(kw_only=True, eq=False)
class Trace:
    """Events of one inference: kind -> int64 array (events, fields), rows in ascending order."""

    events: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        """Cycles in which layers ran, from the last input to the results."""
        return int(self.events["finish"][0, 0]) - 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates with a non-zero weight and a non-zero activation."""
        return len(self.events["commit"])

    def useful_utilisation(self, pes: int) -> float:
        """MACs / (PEs x cycles): padding, stalls, drain and start-up count as loss."""
        return self.macs / (pes * self.cycles)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first event in which two traces differ."""

    kind: str
    cycle: int
    pe: int | None
    signal: str
    expected: int | None
    got: int | None

    def __str__(self) -> str:
        """One sentence for people."""
        where = "" if self.pe is None else f" of PE {self.pe}"
        if self.expected is None or self.got is None:
            seen = "missing" if self.got is None else "not expected"
            return f"cycle {self.cycle}: {self.kind}{where} is {seen}"
        return (
            f"cycle {self.cycle}: {self.kind}{where}: {self.signal} is {self.got}, "
            f"expected {self.expected}"
        )


def sort_events(events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows in ascending order of the first two fields, which no two events of a kind share."""
    if len(events) < 2 or events.shape[1] < 2:
        return events
    second = events[:, 1]
    return events[np.argsort(events[:, 0] * (second.max() + 1) + second, kind="stable")]


def compare(expected: Trace, got: Trace) -> Difference | None:
    """None if the traces are equal, else the difference in the earliest cycle."""
    found = [
        difference
        for kind, names in {**FIELDS, **MAP_FIELDS}.items()
        if kind in expected.events
        if (difference := _first(kind, names, expected.events[kind], got.events[kind]))
    ]
    return min(found, key=lambda d: d.cycle) if found else None


def _first(
    kind: str, names: tuple[str, ...], expected: NDArray[np.int64], got: NDArray[np.int64]
) -> Difference | None:
    """First difference between two sorted event lists of one kind."""
    shared = min(len(expected), len(got))
    unequal = np.flatnonzero((expected[:shared] != got[:shared]).any(axis=1))
    if not len(unequal):
        if len(expected) == len(got):
            return None
        row, missing = (expected, True) if len(expected) > shared else (got, False)
        return _presence(kind, names, row[shared], missing)
    left, right = expected[unequal[0]], got[unequal[0]]
    keys = 2 if len(names) > 1 and names[1] == "pe" else 1
    if (left[:keys] != right[:keys]).any():
        missing = tuple(left[:keys]) < tuple(right[:keys])
        return _presence(kind, names, left if missing else right, missing)
    column = int(np.flatnonzero(left != right)[0])
    return Difference(
        kind=kind,
        cycle=int(left[0]),
        pe=int(left[1]) if keys == 2 else None,
        signal=names[column],
        expected=int(left[column]),
        got=int(right[column]),
    )


def _presence(
    kind: str, names: tuple[str, ...], row: NDArray[np.int64], missing: bool
) -> Difference:
    """An event that only one trace has."""
    pe = int(row[1]) if len(names) > 1 and names[1] == "pe" else None
    cycle = int(row[0])
    return Difference(
        kind=kind,
        cycle=cycle,
        pe=pe,
        signal=kind,
        expected=cycle if missing else None,
        got=None if missing else cycle,
    )
