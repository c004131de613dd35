"""What a layer of the kind `conv` is: its sources, its shape, its pooling."""

from collections.abc import Sequence
from dataclasses import dataclass

from golden.errors import ElsieError
from golden.maps.settings import MOST_SOURCES
from golden.record import Record

Shape = tuple[int, int, int]
"""Channels, height and width of a map."""

STRIDES = (1, 2, 4)
"""Steps from one output to the next, in rows or columns of the source."""
WIDEST_KERNEL = 11
"""Rows and columns of a kernel that moves over its map."""
PHASES = (1, 2, 4)
"""Into how many units the columns of a channel can be dealt."""


@dataclass(frozen=True, kw_only=True)
class Source(Record):
    """A map that a convolution reads, and how; all of a layer's sources add into the same sums.

    Output (oy, ox) takes input (oy * sy - top + ky, ox * sx - left + kx) times kernel place
    (ky, kx); beyond the map is 0.
    """

    layer: int
    """Number of the layer whose output it is; -1 for the network's input."""
    kernel: tuple[int, ...]
    """Rows and columns."""
    stride: tuple[int, ...] = (1, 1)
    """Of rows and columns."""
    pad: tuple[int, ...] = (0, 0)
    """Rows above the map and columns left of it."""
    depthwise: bool = False
    """Output channel oc sees one input channel only, oc div (outputs div inputs)."""
    uniform: bool = False
    """All places of the kernel have one weight; only of a kernel that covers its map."""

    @property
    def places(self) -> int:
        """Places of the kernel that have a weight of their own."""
        return 1 if self.uniform else self.kernel[0] * self.kernel[1]

    def columns(self, channels: int) -> int:
        """Columns of the layer's matrix: channel by channel, in it place by place, row by row."""
        return (1 if self.depthwise else channels) * self.places

    def whole(self, shape: Shape) -> bool:
        """The kernel covers its map, and stays there."""
        return self.kernel == shape[1:] and self.pad == (0, 0)


@dataclass(frozen=True, kw_only=True)
class Convolution(Record):
    """What a layer of the kind `conv` has besides the fields of every layer."""

    sources: tuple[Source, ...]
    """Side by side in the layer's matrix."""
    shape: tuple[int, ...]
    """Output rows and columns that are computed, before pooling."""
    pool: tuple[int, ...] = (1, 1)
    """Max pooling: rows and columns of a window, which are its stride too."""
    phases: int = 1
    """P: column x of a channel belongs to unit x mod P of that channel."""

    @property
    def pooled(self) -> tuple[int, int]:
        """Rows and columns of the output map."""
        return self.shape[0] // self.pool[0], self.shape[1] // self.pool[1]

    def flat(self, shapes: Sequence[Shape]) -> bool:
        """It has one output position and kernels that cover their maps: a fully connected layer."""
        every = zip(self.sources, shapes, strict=True)
        return self.shape == (1, 1) and all(one.whole(shape) for one, shape in every)

    def check(self, shapes: Sequence[Shape], outputs: int) -> None:
        """Raise ElsieError for what no engine does.

        shapes: of the sources' maps. outputs: channels.
        """
        if not 1 <= len(self.sources) <= MOST_SOURCES:
            raise ElsieError(f"it must read 1 to {MOST_SOURCES} maps, not {len(self.sources)}")
        for name in ("shape", "pool"):
            _check_pair(name, getattr(self, name), 1)
        if self.shape[0] % self.pool[0] or self.shape[1] % self.pool[1]:
            raise ElsieError(f"shape {self.shape} must be a multiple of pool {self.pool}")
        if self.phases not in PHASES or self.shape[1] % self.phases:
            raise ElsieError(
                f"phases must be 1, 2 or 4 and divide {self.shape[1]} columns, not {self.phases}"
            )
        if self.phases > 1 and self.pool != (1, 1):
            raise ElsieError(f"phases must be 1 with pooling, not {self.phases}")
        for source, shape in zip(self.sources, shapes, strict=True):
            _check_source(source, shape, outputs)
        if self.flat(shapes):
            return
        if any(source.uniform for source in self.sources):
            raise ElsieError("a uniform kernel must cover its map, and the layer's others theirs")
        if any(max(source.kernel) > WIDEST_KERNEL for source in self.sources):
            raise ElsieError(f"kernels have at most {WIDEST_KERNEL} rows and columns")


def _check_pair(name: str, value: tuple[int, ...], least: int) -> None:
    """Raise ElsieError unless there are two numbers, of at least `least`."""
    if len(value) != 2 or min(value) < least:
        raise ElsieError(f"{name} must be two numbers from {least} on, not {value}")


def _check_source(source: Source, shape: Shape, outputs: int) -> None:
    """Raise ElsieError for a source that no engine reads so."""
    for name, least in (("kernel", 1), ("stride", 1), ("pad", 0)):
        _check_pair(name, getattr(source, name), least)
    if any(step not in STRIDES for step in source.stride):
        raise ElsieError(f"strides must be 1, 2 or 4, not {source.stride}")
    if any(p >= k for p, k in zip(source.pad, source.kernel, strict=True)):
        raise ElsieError(f"pads must be less than the kernel, not {source.pad}")
    if source.depthwise and outputs % shape[0]:
        raise ElsieError(
            f"{outputs} outputs of a depthwise kernel are no multiple of {shape[0]} channels"
        )
