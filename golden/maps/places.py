"""Where a network with maps lies in an engine: sums, columns, biases, and regions of maps.

It depends on the engine's shape, on kinds, shapes and row assignments, not on the weights; so it
can be drawn up before the engine's depths are chosen, and `Places.needs` says what these must be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format import csc
from golden.format.layer import Layer
from golden.maps.convolution import Convolution, Shape, Source
from golden.maps.grid import Grid, of_input, of_output
from golden.maps.reading import Reading, Target

Ints = NDArray[np.int64]


def convolution_of(layers: Sequence[Layer], number: int) -> Convolution:
    """What layer `number` is as a convolution; a fully connected one reads a map of 1 x 1."""
    return layers[number].maps or Convolution(
        sources=(Source(layer=number - 1, kernel=(1, 1)),), shape=(1, 1)
    )


def shapes_of(layers: Sequence[Layer], given: Shape | None) -> tuple[Shape, ...]:
    """Shape of the network's input, then of each layer's output. `given` None: a vector."""
    found: list[Shape] = [given or (layers[0].n_in, 1, 1)]
    for number, layer in enumerate(layers):
        found.append((layer.n_out, *convolution_of(layers, number).pooled))
    return tuple(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """One layer: how it reads its maps, and where its own parts are."""

    target: Target
    readings: tuple[Reading, ...]
    """Of its sources."""
    local: tuple[bool, ...]
    """Of each: nothing of it leaves its group."""
    columns: tuple[int, ...]
    """Of each: first pointer in every PE."""
    steps: tuple[int, ...]
    """Of each: columns from one row phase to the next."""
    bias_base: int
    """First bias in every group, counted from the first of all."""
    biases: int
    """Biases in every group."""
    region: int
    """First word of its output in every group's memory of maps."""

    @property
    def live(self) -> int:
        """Output rows that a PE adds to at a time."""
        return max(reading.live for reading in self.readings)

    @property
    def lead(self) -> int:
        """Output rows before the first one during which rows are sent."""
        return max(0, *(reading.lead for reading in self.readings))

    @property
    def next_column(self) -> int:
        """First pointer in every PE after the layer's."""
        return self.columns[-1] + self.readings[-1].rows * self.steps[-1]

    def nonzeros(self, config: EngineConfig, first: int) -> csc.Nonzeros:
        """The layer's entries by PE, local row and column, counted from pointer `first` on."""
        parts = []
        for number, (reading, local) in enumerate(zip(self.readings, self.local, strict=True)):
            found, group = reading.entries(config)
            column = found.column if local else found.column * config.groups + group
            column = column + self.columns[number] - first
            parts.append((found.pe, found.row, column, found.code))
        pe, row, column, code = (np.concatenate(every) for every in zip(*parts, strict=True))
        return csc.Nonzeros(pe=pe, row=row, column=column, code=code)


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """A network with maps in an engine."""

    config: EngineConfig
    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    """Of the network's input, and of each layer's output."""
    every: tuple[Place, ...]
    """One for each layer."""
    regions: tuple[int, ...]
    """First word of the input, and of each layer's output, in every group's memory of maps."""
    depth: int
    """Words that the regions take."""

    @classmethod
    def of(cls, config: EngineConfig, layers: Sequence[Layer], shape: Shape | None) -> "Places":
        """The map of at least one layer, in order. `shape` of the network's input, if a map."""
        shapes = shapes_of(layers, shape)
        grids = [of_input(config, shapes[0])]
        for number, layer in enumerate(layers):
            phases = convolution_of(layers, number).phases
            grids.append(of_output(config, shapes[number + 1], phases, layer.position))
        regions, depth = _allocate(layers, grids)
        found: list[Place] = []
        column = bias = 0
        for number in range(len(layers)):
            place = _place(config, layers, number, grids, column, bias, regions[number + 1])
            column = place.next_column
            bias += place.biases
            found.append(place)
        return cls(
            config=config,
            layers=tuple(layers),
            shapes=shapes,
            every=tuple(found),
            regions=regions,
            depth=depth,
        )

    @property
    def columns(self) -> int:
        """Pointers of each PE."""
        return self.every[-1].next_column

    @property
    def biases(self) -> int:
        """Biases of each group."""
        return self.every[-1].bias_base + self.every[-1].biases

    @property
    def sources(self) -> int:
        """The most maps that a layer reads."""
        return max(len(place.readings) for place in self.every)

    @property
    def indices(self) -> int:
        """The most indices of a row of a map, those of places without a unit too."""
        grids = (reading.grid.length for place in self.every for reading in place.readings)
        drained = (place.target.sums // place.target.convolution.pool[1] for place in self.every)
        return max(*grids, *(outputs * self.config.group for outputs in drained))

    def sums(self, rows: int) -> int:
        """Sums that a PE needs with a ring of so many rows."""
        found = 1
        for place in self.every:
            each = max(place.target.sums, *(reading.span for reading in place.readings))
            found = max(found, each if place.target.flat else each * rows)
        return found

    @property
    def height(self) -> int:
        """Rows of the highest map, or kernel."""
        kernels = (one.source.kernel[0] for place in self.every for one in place.readings)
        return max(
            *(place.target.convolution.shape[0] for place in self.every),
            *kernels,
            *(shape[1] for shape in self.shapes),
        )

    def rows(self) -> int:
        """The smallest ring: a power of two."""
        least = 2
        for place in self.every:
            if not place.target.flat:
                least = max(least, place.live + place.target.convolution.pool[0])
        return 1 << (least - 1).bit_length()

    def needs(self) -> dict[str, int]:
        """The smallest sufficient values of the configuration's fields, without `entry_depth`.

        And without those of its `maps`.
        """
        return {
            "column_depth": self.columns,
            "row_depth": self.sums(self.config.maps.rows),
            "act_depth": self.indices,
            "bias_depth": self.biases,
            "layers": len(self.every),
        }

    def first_columns(self) -> list[int]:
        """First pointer of each layer."""
        return [place.columns[0] for place in self.every]

    def widths(self) -> list[int]:
        """Pointers of each layer."""
        return np.diff([*self.first_columns(), self.columns]).tolist()

    def gaps(self) -> list[csc.Gaps]:
        """The gaps between each layer's entries."""
        return [
            csc.gaps(self.config, place.nonzeros(self.config, first), columns=width)
            for place, first, width in zip(
                self.every, self.first_columns(), self.widths(), strict=True
            )
        ]

    def entry_places(self, run_widths: Sequence[int]) -> Ints:
        """Entries that each PE stores for each run width, padding counted (run widths, pes)."""
        gaps = self.gaps()
        return np.stack([sum(one.count(width).sum(axis=1) for one in gaps) for width in run_widths])


def _place(
    config: EngineConfig,
    layers: Sequence[Layer],
    number: int,
    grids: Sequence[Grid],
    column: int,
    bias: int,
    region: int,
) -> Place:
    """Layer `number`, whose columns and biases begin at `column` and `bias`."""
    layer, conv = layers[number], convolution_of(layers, number)
    flat = conv.flat([grids[source.layer + 1].shape for source in conv.sources])
    target = Target.of(config, layer, conv, flat=flat)
    readings, first = [], 0
    for source in conv.sources:
        grid = grids[source.layer + 1]
        readings.append(Reading(source=source, target=target, grid=grid, first_column=first))
        first += source.columns(grid.shape[0])
    local = tuple(_local(config, reading) for reading in readings)
    steps = tuple(
        one.width if within else one.width * config.groups
        for one, within in zip(readings, local, strict=True)
    )
    bases = [column]
    for one, step in zip(readings, steps, strict=True):
        bases.append(bases[-1] + one.rows * step)
    biases = (target.sums if flat else 1 << target.unit_bits) * config.group
    return Place(
        target=target,
        readings=tuple(readings),
        local=local,
        columns=tuple(bases[:-1]),
        steps=steps,
        bias_base=bias,
        biases=biases,
        region=region,
    )


def _local(config: EngineConfig, reading: Reading) -> bool:
    """Whether all groups may send their own items at once: every kernel place stays in its group.

    It depends on the assignment of the units only, not on which weights are 0.
    """
    if not reading.source.depthwise or config.groups == 1:
        return False
    channels, outputs = reading.grid.shape[0], reading.target.layer.n_out
    target = reading.target.pe // config.group
    channel = np.arange(len(target)) % outputs // (outputs // channels)
    return all(
        bool((target == reading.grid.group[phase * channels + channel]).all())
        for phase in range(reading.grid.phases)
    )


def _allocate(layers: Sequence[Layer], grids: Sequence[Grid]) -> tuple[tuple[int, ...], int]:
    """First words of all maps and the words that they take; the next free place for each, in order.

    A map is alive from when it is written, in the layer before which nothing is read of it any
    more, to its last reader.
    """
    last = list(range(len(grids)))
    for number in range(len(layers)):
        for source in convolution_of(layers, number).sources:
            last[source.layer + 1] = number + 1
    last[-1] = len(layers) + 1
    found: list[int] = []
    for nth, grid in enumerate(grids):
        # Layer nth - 1 writes map nth while it reads maps whose last reader it may be.
        taken = sorted(
            (found[other], found[other] + grids[other].words)
            for other in range(nth)
            if last[other] >= nth
        )
        start = 0
        for begin, end in taken:
            if start + grid.words <= begin:
                break
            start = max(start, end)
        found.append(start)
    depth = max(start + grid.words for start, grid in zip(found, grids, strict=True))
    return tuple(found), depth
