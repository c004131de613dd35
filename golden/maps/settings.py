"""What an engine has for convolutions; without it, it is an engine for vectors."""

from dataclasses import dataclass
from typing import Any

from golden.errors import ArgumentError, check_names
from golden.kinds import bits_for
from golden.record import Record

NO_STAGES = ("fifo", "grant", "store", "choose")
"""Fields of `stages` that engines with convolutions do not have yet."""
MOST_SOURCES = 4
"""Maps that a layer can read."""


@dataclass(frozen=True, kw_only=True)
class Maps(Record):
    """Sizes of what only convolutions need (docs/convolution.md).

    A configuration checks their ranges with its own (golden.limits).
    """

    rows: int = 0
    """Output rows of which a PE has sums at a time, a power of two; 0: no convolution."""
    sources: int = 1
    """Maps that a layer can read."""
    height: int = 1
    """Rows of the highest map, or kernel."""
    depth: int = 1
    """Words of a group's memory of maps: all that exist at a time, with their rows' lengths."""

    @property
    def row_bits(self) -> int:
        """Bits of a row's number within the ring."""
        return (self.rows - 1).bit_length()

    def base_width(self, row_depth: int) -> int:
        """Bits of a base, signed: it may be before or behind a row, by a row's length."""
        return bits_for(row_depth // max(1, self.rows)) + 2

    @classmethod
    def of(cls, value: Any) -> "Maps":
        """The reverse of `to_dict`."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise ArgumentError(
                f"engine configuration: `maps` must be a table of {', '.join(RANGES)}, not "
                f"{value!r}"
            )
        check_names("`maps`", value, RANGES)
        return cls(**value)


RANGES: dict[str, tuple[int, int]] = {
    "rows": (0, 64),
    "sources": (1, MOST_SOURCES),
    "height": (1, 1 << 12),
    "depth": (1, 1 << 20),
}

NONE = Maps()
"""An engine without convolution."""
