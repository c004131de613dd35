"""A phase, one layer of one stream: its operations and cycles, and how to find them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.program import FIRST, PROGRAMS, Kind
from golden.timing.schedule import FUNCTION_LATENCY

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Operations:
    """The operations of one PE in one phase, in their order."""

    number: Ints
    """Number of each, counted through all programs, shape (operations,)."""
    cell: Ints
    """Local cell, or local row of a dense layer."""
    offset: Ints
    """Cycles from the first one."""
    busy: NDArray[np.bool_]
    """Whether there is an operation, at each offset up to the last."""

    @classmethod
    def none(cls) -> "Operations":
        """No operation."""
        return cls(number=_none(), cell=_none(), offset=_none(), busy=_none() > 0)


def operations(config: EngineConfig, kind: Kind, cells: int) -> Operations:
    """Expand a program for a number of cells (or rows of a dense layer) in a PE."""
    number, cell, offset = [], [], []
    at, nth = 0, FIRST[kind]
    # The operands of a pass are read when the last result of the previous pass is written.
    wait = config.multiplier_stages + 7 + config.stages.drain + FUNCTION_LATENCY
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What a layer with maps does besides its jobs."""

    token: NDArray[np.bool_]
    """Whether a broadcast is a token, shape (K,)."""
    ends: NDArray[np.bool_]
    """Whether that ends an output row, shape (K,)."""
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


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(kw_only=True, eq=False)
class Phase:
    """One layer of one stream: what is known when it starts, and then its cycles.

    With maps there is a `plan` instead of `operations`, and what counts as a broadcast is a beat,
    in which there may be a token, or nothing.
    """

    count: Ints
    """Entries of each broadcast's column, shape (K, pes)."""
    operations: Operations = field(default_factory=lambda: Operations.none())
    output: int
    """Cycles from an operation to its output."""
    plan: Plan | None = None
    fetch: int = 0
    """Cycles in which its words are read, before the first one."""
    start: int = 0
    """First cycle; a broadcast may be granted in it."""
    broadcast: Ints = field(default_factory=_none)
    """When each broadcast leaves the collector, shape (K,)."""
    push: Ints = field(default_factory=_none)
    """Push of each broadcast's jobs, shape (K, pes)."""
    pop: Ints = field(default_factory=_none)
    """Pop of each job, shape (K, pes); meaningless where the column is empty."""
    first: Ints = field(default_factory=_none)
    """First operation of each PE, shape (pes,)."""
    beats: Ints = field(default_factory=_none)
    """Cycle of each beat, and of those until the last broadcast's pointers are read."""
    drain: Ints = field(default_factory=_none)
    """With maps, first step of each drain of each group, shape (drains, groups)."""
    end: int = 0
    """Cycle in which the last output is written."""


class Timeline(Protocol):
    """Finds the cycles of all phases of a step."""

    stalls: int
    """Cycles in which broadcasts were held."""
    overlap: int
    """How many phases may still run when the next one starts."""

    def run(self, phases: int, begin: Callable[[int], Phase]) -> int:
        """Run all phases and return the cycle of finish.

        `begin` is called for each phase when it starts. All earlier phases except the last
        `overlap` are over by then and have all their cycles.
        """
        ...

    def issues(self, phase: Phase, pe: Ints, pop: Ints, count: Ints) -> Ints:
        """Issue of every entry of a phase that is over, job by job, shape (sum of count,).

        PE, pop and number of entries of each job, three arrays of shape (jobs,), by ascending PE.
        """
        ...


def within(count: Ints) -> Ints:
    """Number of every entry within its job, shape (sum of count,); `count` is of each job."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
