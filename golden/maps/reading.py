"""How a layer reads one of its maps: where rows, columns and kernel places lead."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.csc import Nonzeros
from golden.format.layer import Layer, locate
from golden.maps.convolution import Convolution, Source
from golden.maps.grid import Grid

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """The units of a layer, in whose sums everything ends."""

    layer: Layer
    convolution: Convolution
    flat: bool
    """It has one sum for each unit, and every kernel covers its map."""
    pe: Ints
    """PE of each unit, shape (units,)."""
    local: Ints
    """Its number there, shape (units,)."""

    @classmethod
    def of(cls, config: EngineConfig, layer: Layer, conv: Convolution, *, flat: bool) -> "Target":
        """A layer with its row assignment."""
        pe, local = locate(config, layer.position)
        return cls(layer=layer, convolution=conv, flat=flat, pe=pe, local=local)

    @property
    def unit_bits(self) -> int:
        """Bits of a unit's number in its PE."""
        return int(self.local.max()).bit_length()

    @property
    def steps(self) -> int:
        """Values of i among the sums."""
        return self.convolution.shape[1] // self.convolution.phases

    @property
    def sums(self) -> int:
        """Sums of an output row in each PE."""
        return int(self.local.max()) + 1 if self.flat else self.steps << self.unit_bits


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """One source of a layer, as the sequencer and the groups see it (docs/convolution.md)."""

    source: Source
    target: Target
    grid: Grid
    """Of the map that is read."""
    first_column: int
    """Of the layer's matrix: where this source's begin."""

    @property
    def row_step(self) -> int:
        """Rows of the map from one output row to the next; a kernel that covers it stays."""
        return self.source.kernel[0] if self.target.flat else self.source.stride[0]

    @property
    def live(self) -> int:
        """Output rows that a row of the map can add to."""
        return (self.source.kernel[0] - 1) // self.row_step + 1

    @property
    def lead(self) -> int:
        """Output rows before the first during which rows are sent; may be negative."""
        return (self.source.kernel[0] - 1 - self.source.pad[0]) // self.row_step

    @property
    def skipped(self) -> int:
        """Row phases, the first ones, to which no row of the kernel belongs."""
        return max(0, self.row_step - self.source.kernel[0])

    @property
    def column_phases(self) -> int:
        """M: columns of the map after which everything repeats."""
        return max(self.grid.phases, self._column_step)

    @property
    def _column_step(self) -> int:
        """Columns of the map from one sum of a unit to the next."""
        return self.source.stride[1] * self.target.convolution.phases

    @property
    def shift(self) -> int:
        """Bits of an index that choose the column; those above lead to the base."""
        if self.source.uniform:
            return self.grid.bits
        if self.target.flat:
            return (self.grid.length - 1).bit_length()
        return self.grid.bits + (self.column_phases // self.grid.phases).bit_length() - 1

    @property
    def more(self) -> int:
        """By how many bits what is above them is shifted up to be a base."""
        return (self.column_phases // self._column_step).bit_length() - 1 + self.target.unit_bits

    @property
    def still(self) -> bool:
        """The base is always 0."""
        return self.target.flat

    @property
    def first(self) -> int:
        """The base where the index is 0: below 0, if entries there lead left of the row."""
        return 0 if self.target.flat else self._least << self.target.unit_bits

    @property
    def _least(self) -> int:
        """The least e."""
        return min(e for _, _, _, e in self._ways())

    @property
    def span(self) -> int:
        """Sums of a row that entries of one column lead to, or beside them."""
        if self.target.flat:
            return self.target.sums
        return (max(e for _, _, _, e in self._ways()) - self._least + 1) << self.target.unit_bits

    def _ways(self) -> Iterator[tuple[int, int, int, int]]:
        """Kernel column, phase of the output, x', and e (docs/convolution.md)."""
        step = self._column_step
        for kx in range(self.source.kernel[1]):
            for phase in range(self.target.convolution.phases):
                away = self.source.pad[1] - kx - self.source.stride[1] * phase
                for x in range(-away % step, min(self.column_phases, self.grid.shape[2]), step):
                    yield kx, phase, x, (x + away) // step

    # -- columns -----------------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Places of a group's columns in a row phase: to these an index can lead."""
        top = int(self.grid.place.max()) + 1
        if self.source.uniform:
            return top
        if self.target.flat:
            return self.grid.length
        return min(
            ((self.column_phases // self.grid.phases - 1) << self.grid.bits) + top,
            self.grid.length,
        )

    @property
    def rows(self) -> int:
        """Row phases that have columns of their own."""
        return 1 if self.source.uniform else self.row_step - self.skipped

    def entries(self, config: EngineConfig) -> tuple[Nonzeros, Ints]:
        """The source's part of the matrix, and the group of each non-zero's column.

        Columns are `row * width + place`, the row phase first, whatever the group.
        """
        layer, target = self.target.layer, self.target
        channels = self.grid.shape[0]
        number = layer.columns - self.first_column
        mine = (number >= 0) & (number < self.source.columns(channels))
        number, row, code = number[mine], layer.rows[mine], layer.codes[mine]
        channel, place = np.divmod(number, self.source.places)
        if self.source.depthwise:
            channel = row // (layer.n_out // channels)
        ky, kx = np.divmod(place, self.source.kernel[1])
        found = list(
            self._still(channel, ky, kx, row, code)
            if target.flat
            else self._moving(config, channel, ky, kx, row, code)
        )
        every = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        unit, at, phase, output, n, code = every
        nonzeros = Nonzeros(pe=target.pe[output], row=n, column=phase * self.width + at, code=code)
        return nonzeros, self.grid.group[unit]

    def _still(
        self, channel: Ints, ky: Ints, kx: Ints, row: Ints, code: Ints
    ) -> Iterator[tuple[Ints, ...]]:
        """Of a layer whose kernels cover their maps."""
        local = self.target.local[row]
        if not self.source.uniform:
            unit = self.grid.units(channel, kx)
            at = (kx // self.grid.phases << self.grid.bits) + self.grid.place[unit]
            yield unit, at, ky, row, local, code
            return
        for phase in range(self.grid.phases):
            unit = self.grid.units(channel, np.full_like(channel, phase))
            yield unit, self.grid.place[unit], np.zeros_like(unit), row, local, code

    def _moving(
        self, config: EngineConfig, channel: Ints, ky: Ints, kx: Ints, row: Ints, code: Ints
    ) -> Iterator[tuple[Ints, ...]]:
        """Of a kernel that moves over its map."""
        target, step = self.target, self.row_step
        q = (self.source.kernel[0] - 1 - ky) % step
        j = (self.source.kernel[0] - 1 - ky) // step
        phase = step - 1 - q - self.skipped
        for at, part, x, e in self._ways():
            here = kx == at
            unit = self.grid.units(channel[here], np.full(int(here.sum()), x))
            place = (x // self.grid.phases << self.grid.bits) + self.grid.place[unit]
            output = part * target.layer.n_out + row[here]
            n = ((e - self._least) << target.unit_bits) + target.local[output]
            n = (n << config.maps.row_bits) + j[here]
            yield unit, place, phase[here], output, n, code[here]
