"""How a map lies in the groups' memories, row by row: which item has which index in which group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.layer import locate
from golden.maps.convolution import PHASES, Shape

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """A map: item (c, y, x) is in row y of a group's list, with index (i << bits) + place.

    x = i * phases + p, and (c, p) is unit p * channels + c, which has its group and its place.
    """

    shape: Shape
    """Channels, rows, columns."""
    phases: int
    """P."""
    group: Ints
    """Group of each unit, shape (units,)."""
    place: Ints
    """Its place there, at every i, shape (units,)."""
    bits: int
    """Bits of a place."""

    @property
    def steps(self) -> int:
        """Values of i."""
        return -(-self.shape[2] // self.phases)

    @property
    def length(self) -> int:
        """Indices of a row, used or not."""
        return ((self.steps - 1) << self.bits) + int(self.place.max()) + 1

    @property
    def words(self) -> int:
        """Words of the fullest group's memory without any zero: items, and each row's length."""
        return self.shape[1] * (1 + self.steps * int(np.bincount(self.group).max()))

    def units(self, channel: Ints, x: Ints) -> Ints:
        """The unit of channel and column, arrays of one shape."""
        return x % self.phases * self.shape[0] + channel


def of_input(config: EngineConfig, shape: Shape) -> Grid:
    """The network's input: units are dealt to the groups, of which every one gets some if it can.

    One row with one column has its items as fully connected engines have.
    """
    channels, height, width = shape
    phases = 1
    if (height, width) != (1, 1):
        enough = [p for p in PHASES if channels * p >= config.groups and p <= width]
        phases = min(enough, default=max(p for p in PHASES if p <= width))
    unit = np.arange(phases * channels)
    place = unit // config.groups
    return Grid(
        shape=shape,
        phases=phases,
        group=unit % config.groups,
        place=place,
        bits=int(place.max()).bit_length(),
    )


def of_output(config: EngineConfig, shape: Shape, phases: int, position: Ints) -> Grid:
    """A layer's output, whose units have these positions."""
    pe, local = locate(config, position)
    return Grid(
        shape=shape,
        phases=phases,
        group=pe // config.group,
        place=local * config.group + pe % config.group,
        bits=int(local.max()).bit_length() + (config.group - 1).bit_length(),
    )


def arrange(config: EngineConfig, shape: Shape, x: Ints) -> Ints:
    """A network's input (samples, C x H x W) in the order in which an engine takes it.

    Row by row: (samples, H, items a row); place by place in a row, group by group in a place.
    Places without a unit have 0.
    """
    grid = of_input(config, shape)
    channels, height, width = shape
    found = np.zeros((len(x), height, grid.steps << grid.bits, config.groups), dtype=np.int64)
    channel, column = np.indices((channels, width)).reshape(2, -1)
    unit = grid.units(channel, column)
    index = (column // grid.phases << grid.bits) + grid.place[unit]
    values = x.reshape(-1, channels, height, width).transpose(0, 2, 1, 3)
    found[:, :, index, grid.group[unit]] = values.reshape(len(x), height, -1)
    return found[:, :, : grid.length].reshape(len(x), height, -1)


def sent_shape(config: EngineConfig, given: Shape | None, n_in: int) -> tuple[int, int]:
    """Rows and items of a row that an engine takes for an inference; a vector is one row.

    given: shape of the input, None for a vector of `n_in`.
    """
    if not config.maps.rows:
        return 1, n_in
    shape = given or (n_in, 1, 1)
    return shape[1], of_input(config, shape).length * config.groups


def as_sent(config: EngineConfig, given: Shape | None, x: Ints) -> Ints:
    """Inputs (samples, n_in) in the order of an engine's input port, (samples, rows, items)."""
    if not config.maps.rows:
        return x[:, None]
    return arrange(config, given or (x.shape[1], 1, 1), x)
