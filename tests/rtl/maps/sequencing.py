"""The order of a layer's rows and tokens, written from docs/convolution.md."""

from collections.abc import Iterator
from dataclasses import dataclass

Row = dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A source, as far as its rows go."""

    height: int
    kernel: int
    stride: int
    top: int

    @property
    def skipped(self) -> int:
        """Row phases that no row of the kernel touches."""
        return max(0, self.stride - self.kernel)

    @property
    def lead(self) -> int:
        """Output rows before the map that its first rows are sent in."""
        return max(0, (self.kernel - 1 - self.top) // self.stride)


def due(
    rows: Rows, lead: int, o: int, *, column_base: int, step: int
) -> Iterator[tuple[int, int, int]]:
    """Row, address of its first column, and whether it is skipped, of what state `o` sends."""
    bound = o * rows.stride + rows.kernel - rows.top
    before = bound - rows.stride if o > -lead else -(1 << 30)
    for row in range(max(0, before), min(bound, rows.height)):
        # As many as are still due in this state, were there no end of the map.
        phase = rows.stride - (bound - row)
        yield row, column_base + step * (phase - rows.skipped), int(phase < rows.skipped)


def source_word(rows: Rows, lead: int, *, column_base: int, step: int) -> Row:
    """The fields that say this, of golden.format.layout.source_descriptor."""
    first = (rows.top - rows.kernel) % rows.stride
    return {
        **{"column_base": column_base, "step": step, "height": rows.height - 1},
        "due": rows.kernel - rows.top - lead * rows.stride,
        "row_step": rows.stride,
        "phase": first,
        "column": column_base + step * max(0, first - rows.skipped),
        "skipped": rows.skipped,
    }


def state_of(o: int, height: int, ring: int, *, flat: int = 0) -> Row:
    """What the token before state `o` carries, of a layer with `height` output rows."""
    return {
        "slot": 0 if flat else o % ring,
        "first": max(0, -o),
        "last": ring - 1 if flat else min(ring - 1, height - 1 - o),
        "ends": int(o > 0),
    }
