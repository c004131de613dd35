"""Registers that an engine may have beyond the necessary, and the distances that follow."""

from dataclasses import dataclass
from typing import Any

from golden.errors import ArgumentError, check_names
from golden.kinds import tree_levels
from golden.maps.settings import Maps
from golden.record import Record


@dataclass(frozen=True, kw_only=True)
class Stages(Record):
    """How many of each; docs/timing.md says what they cost. Without any, an engine is smallest.

    A configuration checks their ranges with its own (golden.limits).
    """

    activations: int = 0
    """1: behind the memory of activations."""
    push: int = 0
    """1: of a job, before its queue; a slot of each queue more is reserved."""
    fifo: int = 0
    """Broadcasts that can wait in each group; 0: while one group waits, all do (docs/timing.md)."""
    clear: int = 0
    """1: of what an operation does, in each PE; it takes no cycle."""
    drain: int = 0
    """1: behind the choice of a sum and behind its bias, before they are added."""
    count: int = 0
    """1: of what the PEs do, before the counters."""
    grant: int = 0
    """1: of a grant, on its way to a group's memory of activations."""
    store: int = 0
    """1: of an activation, before its list."""
    choose: int = 0
    """1: of which PEs are over, before their group chooses one to run its operations."""

    @classmethod
    def of(cls, value: Any) -> "Stages":
        """From a set's name, or the reverse of `to_dict`."""
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            check_names("`stages`", value, RANGES)
            return cls(**value)
        if value not in SETS:
            raise ArgumentError(
                f"engine configuration: `stages` must be one of {', '.join(SETS)}, not {value!r}"
            )
        return SETS[value]


RANGES: dict[str, tuple[int, int]] = {
    "activations": (0, 1),
    "push": (0, 1),
    "fifo": (0, 64),
    "clear": (0, 1),
    "drain": (0, 1),
    "count": (0, 1),
    "grant": (0, 1),
    "store": (0, 1),
    "choose": (0, 1),
}

SHORT = Stages()
"""None."""

SETS: dict[str, Stages] = {
    "short": SHORT,
    "drain": Stages(drain=1),
    "long": Stages(activations=1, push=1, clear=1, drain=1, count=1, store=1, choose=1),
    "elastic": Stages(
        activations=1, push=1, fifo=16, clear=1, drain=1, count=1, grant=1, store=1, choose=1
    ),
}
"""Sets with a name, which a user may choose from."""


class Distances:
    """Registers on the ways through an engine (docs/timing.md); golden.fields has its choices."""

    pes: int
    delta: bool
    broadcast_stages: int
    queue_depth: int
    stages: Stages
    maps: Maps

    @property
    def groups(self) -> int:
        """Number of PE groups."""
        raise NotImplementedError

    @property
    def collector_levels(self) -> int:
        """Register levels of the collector's tree over the groups (radix 4)."""
        return tree_levels(self.groups, radix=4)

    @property
    def status_stages(self) -> int:
        """Registers from the PEs' queues to the hold, and from the drains to the sequencer."""
        return 1 if self.pes <= 16 else 2 if self.pes <= 64 else 3

    @property
    def counter_stages(self) -> int:
        """Registers from what the PEs do to the counters."""
        return 1 + self.stages.count + tree_levels(-(-self.pes // 16), radix=4)

    @property
    def over_stages(self) -> int:
        """Registers from the groups' `over` to the sequencer."""
        return self.tree_stages if self.stages.fifo else self.status_stages - 1

    @property
    def tree_stages(self) -> int:
        """Registers of a tree over the groups that has at least one."""
        return max(1, self.collector_levels)

    @property
    def collect_stages(self) -> int:
        """Registers from the grant of an activation to its broadcast; one finds a map's columns."""
        taken = 2 + self.stages.grant + self.stages.activations + (self.maps.rows > 0)
        return taken + self.collector_levels

    @property
    def arrival_stages(self) -> int:
        """Registers from the grant of an activation to the groups."""
        return self.collect_stages + self.broadcast_stages

    @property
    def take_stages(self) -> int:
        """Registers from a group's FIFO to the queues: behind it, the memory and its register."""
        return 3 + self.stages.push

    @property
    def store_stages(self) -> int:
        """Registers from an activation to its list; with delta two more, for its difference."""
        return (2 if self.delta else 0) + self.stages.store

    @property
    def queue_margin(self) -> int:
        """Jobs that can still arrive after a queue has reported that it is nearly full."""
        if self.stages.fifo:
            return 1 + self.take_stages
        return 1 + self.status_stages + self.stages.push

    @property
    def fifo_margin(self) -> int:
        """Broadcasts that can still arrive after a FIFO has reported that it is nearly full."""
        return 1 + self.tree_stages + self.arrival_stages

    @property
    def fifo_threshold(self) -> int:
        """Broadcasts in a FIFO at which it reports that it is nearly full."""
        return self.stages.fifo - self.fifo_margin

    @property
    def queue_threshold(self) -> int:
        """Jobs in a queue at which it reports that it is nearly full."""
        return self.queue_depth - self.queue_margin
