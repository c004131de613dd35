"""All layers of a network with maps on the PEs: by the cycles that each would take, as predicted.

A layer takes as long as what is slowest: its broadcasts, the entries and drained sums of its
busiest PE, or the drains of a group (docs/convolution.md). The queues between them are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elsie.compress.place.units import assign_units
from golden.config import EngineConfig
from golden.format import csc
from golden.format.layer import Layer
from golden.maps.convolution import PHASES, Convolution, Shape, Source
from golden.maps.places import Place, Places, convolution_of
from golden.maps.reading import Reading
from golden.maps.settings import Maps

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

GAIN = 0.02
"""More phases store each weight more often, and so must save this share of the cycles."""
ROW = 2
"""Cycles in which a row begins to be read."""
RUN = 5
"""Bits of a zero run, which is chosen afterwards, as far as padding is concerned."""


def place_maps(
    config: EngineConfig, layers: Sequence[Layer], activity: Sequence[Reals], shape: Shape
) -> list[Layer]:
    """Layers with positions and phases.

    activity: of each layer, the mean share of the values of each channel of each of its sources
    that is not 0. `shape` of the network's input.
    """
    plain = [replace(one, position=assign_units(config, np.ones(one.n_out))) for one in layers]
    ring = Places.of(config, plain, shape).rows()
    config = config.replace(maps=Maps(rows=ring))
    placed: list[Layer] = []
    for number, (layer, active) in enumerate(zip(layers, activity, strict=True)):
        conv = convolution_of(layers, number)
        before = Places.of(config, [*placed, plain[number]], shape)
        load = _Load.of(layer, conv, before.every[-1].readings, active)
        tried = []
        for phases, position in _choices(config, layer, conv, before.every[-1], load):
            maps = replace(layer.maps, phases=phases) if layer.maps else None
            one = replace(layer, maps=maps, position=position)
            place = Places.of(config, [*placed, one], shape).every[-1]
            tried.append((_cycles(config, place, load), one))
        least = min(cycles for cycles, _ in tried)
        # The first ones have fewest phases.
        placed.append(next(one for cycles, one in tried if cycles <= (1 + GAIN) * least))
    return placed


@dataclass(frozen=True, kw_only=True, eq=False)
class _Load:
    """What a layer has to do in an inference, on average."""

    work: Reals
    """Entries that are issued for each output channel, about, shape (n_out,)."""
    sent: tuple[Reals, ...]
    """Of each source: values of each channel that are not 0."""

    @classmethod
    def of(
        cls, layer: Layer, conv: Convolution, readings: Sequence[Reading], active: Reals
    ) -> "_Load":
        """`active` is that of `place_maps`."""
        shapes = [reading.grid.shape for reading in readings]
        flat, begin = conv.flat(shapes), 0
        places = (np.ones(layer.nnz), (layer.rows, layer.columns))
        stored = sparse.csr_matrix(places, shape=(layer.n_out, layer.n_in))
        ends = np.cumsum([shape[0] for shape in shapes])[:-1]
        sent, work = [], np.zeros(layer.n_out)
        for source, shape, share in zip(conv.sources, shapes, np.split(active, ends), strict=True):
            values = share * shape[1] * shape[2]
            columns = source.columns(shape[0])
            mine = stored[:, begin : begin + columns]
            if source.depthwise:
                each = np.repeat(values, layer.n_out // shape[0]) * mine.getnnz(axis=1)
            else:
                each = mine @ np.repeat(values, source.places)
            work += each / _seen(source, shape, flat=flat)
            sent.append(values)
            begin += columns
        return cls(work=work, sent=tuple(sent))


def _seen(source: Source, shape: Shape, *, flat: bool) -> int:
    """Of so many values of a channel, one meets a given place of the kernel."""
    if flat:
        return 1 if source.uniform else shape[1] * shape[2]
    return source.stride[0] * source.stride[1]


def _choices(
    config: EngineConfig, layer: Layer, conv: Convolution, place: Place, load: _Load
) -> Iterator[tuple[int, Ints]]:
    """Phases and positions: so that each depthwise source is local in turn, and so that none is."""
    possible = [p for p in PHASES if conv.shape[1] % p == 0 and (p == 1 or conv.pool == (1, 1))]
    bound = [group for one in place.readings if (group := _bound(layer, one)) is not None]
    for phases in possible if layer.maps else (1,):
        for groups in (*bound, None):
            yield phases, assign_units(config, load.work, phases=phases, groups=groups)


def _bound(layer: Layer, reading: Reading) -> Ints | None:
    """The group of each output channel with which a depthwise source is local."""
    grid = reading.grid
    group = grid.group.reshape(grid.phases, -1)
    if not reading.source.depthwise or (group != group[0]).any():
        return None
    return np.repeat(group[0], layer.n_out // grid.shape[0])


def _cycles(config: EngineConfig, place: Place, load: _Load) -> float:
    """Of the layer where it is placed. Rows of its sources take turns, and queues are short."""
    base, target = place.columns[0], place.target
    columns = place.next_column - base
    entries = csc.gaps(config, place.nonzeros(config, base), columns=columns).count(RUN)
    owner = np.arange(config.pes) // config.group
    sent, issued = 0.0, np.zeros(config.pes)
    for nth, (reading, values) in enumerate(zip(place.readings, load.sent, strict=True)):
        often = np.zeros((config.groups, columns))
        column, group, count = _columns(reading, values)
        every = np.arange(reading.rows)[:, None] * place.steps[nth] + place.columns[nth] - base
        if place.local[nth]:
            np.add.at(often, (group, every + column), count)
            broadcasts = float(np.bincount(group, count).max())
        else:
            np.add.at(often.T, every + column * config.groups + group, count[:, None])
            broadcasts = float(count.sum())
        work = (entries * often[owner]).sum(axis=1)
        rows = ROW * reading.grid.shape[1]
        sent += max(rows + broadcasts * reading.rows, float(work.max()))
        issued += work
    steps = target.convolution.shape[0] * target.sums
    return max(sent, float(issued.max()) + steps, float(steps * config.group))


def _columns(reading: Reading, values: Reals) -> tuple[Ints, Ints, Reals]:
    """Where items of a row lead, their group, and how often they come in each row phase.

    `values` of each channel are not 0.
    """
    grid, uniform = reading.grid, reading.source.uniform
    channels, height, width = grid.shape
    repeats = grid.phases if uniform else reading.column_phases
    if reading.target.flat and not uniform:
        repeats = width
    channel, x = np.indices((channels, min(repeats, width))).reshape(2, -1)
    unit = grid.units(channel, x)
    column = grid.place[unit] if uniform else (x // grid.phases << grid.bits) + grid.place[unit]
    rows = height if uniform else height / reading.row_step
    count = values[channel] / (height * width) * rows * -(-(width - x) // repeats)
    return column, grid.group[unit], count
