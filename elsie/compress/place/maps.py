"""All layers of a network with maps on the PEs: by the cycles that each would take, as predicted.

A layer takes as long as what is slowest: its broadcasts, the entries and drained sums of its
busiest PE, or the drains of a group (docs/convolution.md). The queues between them are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elsie.compress.place.units import assign_units
from golden.config import EngineConfig
from golden.format.layer import Layer, locate
from golden.maps.convolution import PHASES, Convolution, Shape, Source
from golden.maps.grid import Grid, of_input, of_output
from golden.maps.places import convolution_of

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

GAIN = 0.02
"""More phases store each weight more often, and so must save this share of the cycles."""
ROW = 2
"""Cycles in which a row begins to be read."""


def place_maps(
    config: EngineConfig, layers: Sequence[Layer], activity: Sequence[Reals], shape: Shape
) -> list[Layer]:
    """Layers with positions and phases.

    activity: of each layer, the mean share of the values of each channel of each of its sources
    that is not 0. `shape` of the network's input.
    """
    placed: list[Layer] = []
    grids = [of_input(config, shape)]
    for number, (layer, active) in enumerate(zip(layers, activity, strict=True)):
        conv = convolution_of(layers, number)
        maps = [grids[source.layer + 1] for source in conv.sources]
        load = _Load.of(layer, conv, [grid.shape for grid in maps], active)
        tried = list(_tried(config, layer, conv, maps, load))
        least = min(cycles for cycles, _, _ in tried)
        # The first ones have fewest phases.
        _, phases, position = next(one for one in tried if one[0] <= (1 + GAIN) * least)
        if layer.maps:
            layer = replace(layer, maps=replace(layer.maps, phases=phases))
        placed.append(replace(layer, position=position))
        grids.append(of_output(config, (layer.n_out, *conv.pooled), phases, position))
    return placed


@dataclass(frozen=True, kw_only=True, eq=False)
class _Load:
    """What a layer has to do in an inference, on average."""

    work: Reals
    """Entries that are issued for each output channel, shape (n_out,)."""
    sent: tuple[Reals, ...]
    """Of each source: values of each channel that are not 0."""
    rows: int
    """Rows that are read."""

    @classmethod
    def of(cls, layer: Layer, conv: Convolution, shapes: Sequence[Shape], active: Reals) -> "_Load":
        """`active` is that of `place_maps`."""
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
        return cls(work=work, sent=tuple(sent), rows=sum(shape[1] for shape in shapes))


def _seen(source: Source, shape: Shape, *, flat: bool) -> int:
    """Of so many values of a channel, one meets a given place of the kernel."""
    if flat:
        return 1 if source.uniform else shape[1] * shape[2]
    return source.stride[0] * source.stride[1]


def _tried(
    config: EngineConfig, layer: Layer, conv: Convolution, maps: Sequence[Grid], load: _Load
) -> list[tuple[float, int, Ints]]:
    """Predicted cycles, phases and position of every choice that there is."""
    possible = [p for p in PHASES if conv.shape[1] % p == 0 and (p == 1 or conv.pool == (1, 1))]
    bound = [groups for groups in _bound(layer, conv, maps) if groups is not None]
    found = []
    for phases in possible if layer.maps else (1,):
        for groups in (*bound, None):
            position = assign_units(config, load.work, phases=phases, groups=groups)
            cycles = _cycles(config, layer, conv, maps, load, phases, position)
            found.append((cycles, phases, position))
    return found


def _bound(layer: Layer, conv: Convolution, maps: Sequence[Grid]) -> list[Ints | None]:
    """For each depthwise source the group of each output channel with which it is local."""
    found: list[Ints | None] = []
    for source, grid in zip(conv.sources, maps, strict=True):
        channels = grid.shape[0]
        group = grid.group.reshape(grid.phases, channels)
        together = source.depthwise and bool((group == group[0]).all())
        found.append(np.repeat(group[0], layer.n_out // channels) if together else None)
    return found


def _cycles(
    config: EngineConfig,
    layer: Layer,
    conv: Convolution,
    maps: Sequence[Grid],
    load: _Load,
    phases: int,
    position: Ints,
) -> float:
    """Of the layer with these phases and positions."""
    pe, local = locate(config, position)
    group = pe // config.group
    broadcasts = float(ROW * load.rows)
    for wanted, values, grid in zip(_bound(layer, conv, maps), load.sent, maps, strict=True):
        if wanted is not None and np.array_equal(group, np.tile(wanted, phases)):
            owner = grid.group[: len(values)]
            broadcasts += float(np.bincount(owner, values).max())
        else:
            broadcasts += float(values.sum())
    flat = conv.flat([grid.shape for grid in maps])
    units = int(local.max()) + 1 if flat else 1 << int(local.max()).bit_length()
    steps = conv.shape[0] * (conv.shape[1] // phases) * units
    work = np.bincount(pe, np.tile(load.work, phases) / phases, minlength=config.pes)
    busiest = float(work.max()) + steps
    return max(broadcasts, busiest, float(steps * config.group))
