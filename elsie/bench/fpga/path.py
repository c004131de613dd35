"""The longest path of a routed engine, from nextpnr's report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golden.errors import ElsieError
from golden.record import Record

_MAPPED = re.compile(r"_(TRELLIS|LUT4|PFUMX|L6MUX21|CCU2C|DP16KD|MULT18X18D|DPR16X4|SB)_?.*")
"""What Yosys adds to a name of the design when it makes cells behind it."""


@dataclass(frozen=True, kw_only=True)
class Path(Record):
    """Where the longest path leads, and what takes its time."""

    begin: str
    """The register or memory where it begins."""
    end: str
    """The one where it ends."""
    ns: float
    """Its length."""
    routing: float
    """Share of wires in it, 0 to 1."""
    net: str
    """Its slowest net."""
    net_ns: float
    """That net's delay."""


def longest(route: Mapping[str, Any], *, clock_mhz: float) -> Path:
    """The longest path between registers of the clocks with this target.

    Raises ElsieError when the report has none.
    """
    clocks = {
        f"posedge {name}"
        for name, clock in route["fmax"].items()
        if abs(clock["constraint"] - clock_mhz) <= clock_mhz * 2e-3
    }
    paths = [
        found["path"]
        for found in route["critical_paths"]
        if found["from"] in clocks and found["to"] in clocks
    ]
    if not paths:
        raise ElsieError(f"place and route reported no path at {clock_mhz:g} MHz")
    steps = max(paths, key=_length)
    wires = [step for step in steps if step["type"] == "routing"]
    slowest = max(wires, key=lambda step: step["delay"])
    length = _length(steps)
    return Path(
        begin=_plain(steps[0]["from"]["cell"]),
        end=_plain(steps[-1]["to"]["cell"]),
        ns=round(length, 2),
        routing=round(_length(wires) / length, 3),
        net=_plain(slowest["net"]),
        net_ns=round(slowest["delay"], 2),
    )


def _length(steps: list[dict[str, Any]]) -> float:
    """In ns."""
    return sum(step["delay"] for step in steps)


def _plain(name: str) -> str:
    """A cell's or net's name without what synthesis added."""
    return _MAPPED.sub("", name).removeprefix("engine.")
