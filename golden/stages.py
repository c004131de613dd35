"""Registers that an engine may have beyond the necessary: a shorter path for a later result."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from golden.errors import ArgumentError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Stages:
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

    def to_dict(self) -> dict[str, int]:
        """Those that are not as by default, for JSON."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        }

    @classmethod
    def of(cls, value: Any) -> "Stages":
        """From a set's name, or the reverse of `to_dict`."""
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            for name in value:
                if name not in RANGES:
                    hint = did_you_mean(name, RANGES)
                    raise ArgumentError(f"engine configuration: no `stages` {name!r}{hint}")
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
}

SHORT = Stages()
"""None."""

SETS: dict[str, Stages] = {
    "short": SHORT,
    "drain": Stages(drain=1),
    "long": Stages(activations=1, push=1, clear=1, drain=1, count=1),
    "elastic": Stages(activations=1, push=1, fifo=16, clear=1, drain=1, count=1),
}
"""Sets with a name, which a user may choose from."""
