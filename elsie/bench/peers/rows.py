"""One line of the comparison, and the lines that were measured elsewhere."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.record import Record

MEASURED = "measured in this run"
_PUBLISHED = Path(__file__).with_name("published.json")


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """One network on one device. None stands for figures that were not measured or do not exist."""

    network: str
    """'S' or 'L'."""
    who: str
    """What runs it."""
    part: str
    """FPGA family or part, or the CPU."""
    macs: int
    """Useful MACs, with non-zero weight and activation: the same for every row of a network."""
    cycles: int | None = None
    """Clock cycles from the input to the result."""
    interval: int | None = None
    """Cycles from one result to the next, where they overlap; else None, and `cycles`."""
    microseconds: float | None = None
    """Time for one inference."""
    lut: int | None = None
    """ECP5: TRELLIS_COMB. iCE40: logic cells."""
    ff: int | None = None
    """Flip-flops."""
    bram: int | None = None
    """Block RAMs of the part."""
    dsp: int | None = None
    """Multipliers of the part."""
    fmax_mhz: float | None = None
    """Clock that place and route found."""
    source: str
    """Where the figures come from."""

    @property
    def cycles_per_mac(self) -> float | None:
        """Cycles per useful MAC; less than 1 with several PEs."""
        return None if self.cycles is None else round(self.cycles / self.macs, 4)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**vars(self), "cycles_per_mac": self.cycles_per_mac}

    def timed(self) -> "Row":
        """The row with its time, where cycles and clock are known."""
        if self.microseconds is not None or self.cycles is None or self.fmax_mhz is None:
            return self
        return dataclasses.replace(self, microseconds=round(self.cycles / self.fmax_mhz, 3))


def published(network: str, *, macs: int) -> list[Row]:
    """The rows of published.json for one network."""
    rows = json.loads(_PUBLISHED.read_text())["rows"]
    return [Row(**row, macs=macs).timed() for row in rows if row["network"] == network]
