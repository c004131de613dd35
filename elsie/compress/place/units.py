"""Unit assignment: which PE owns which unit of a layer with maps (docs/convolution.md)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.format.layer import place

Ints = NDArray[np.int64]
Numbers = NDArray[Any]


def choose_phases(config: EngineConfig, outputs: int, columns: int) -> int:
    """The fewest phases with which every PE has a unit, if so many divide the columns."""
    possible = [phases for phases in (1, 2, 4) if columns % phases == 0]
    enough = [phases for phases in possible if outputs * phases >= config.pes]
    return min(enough, default=max(possible))


def assign_units(
    config: EngineConfig, work: Numbers, *, phases: int = 1, groups: Ints | None = None
) -> Ints:
    """Position of every unit, phase x channels + channel (golden.format.layer.Layer.position).

    work: of each output channel, its entries or what takes as long. groups: the group of each, so
    that what it is made of stays there; None: by longest processing time first (Graham, 1969), as
    are the PEs of a group's units. No PE gets more units than it must.
    """
    sizes = np.array([config.group_size(group) for group in range(config.groups)])
    most = -(-len(work) * phases // config.pes)
    if groups is None:
        groups = _deal(np.asarray(work) * phases, sizes * most // phases, sizes)
    pe = np.zeros(phases * len(work), dtype=np.int64)
    for group in range(config.groups):
        channels = np.flatnonzero(groups == group)
        units = (np.arange(phases)[:, None] * len(work) + channels).reshape(-1)
        room = np.full(sizes[group], -(-len(units) // sizes[group]))
        mine = np.tile(np.asarray(work)[channels], phases)
        pe[units] = group * config.group + _deal(mine, room, np.ones(sizes[group]))
    return place(config, pe)


def _deal(work: Numbers, room: Ints, speed: NDArray[np.floating] | Ints) -> Ints:
    """Which bin each piece of work is in, the longest first, each to the least busy that has room.

    room: pieces that a bin holds; if all together hold too few, each holds as many as it must.
    """
    bins = len(room)
    room = np.maximum(room, -(-len(work) // bins) if room.sum() < len(work) else 0)
    busy, count = np.zeros(bins), np.zeros(bins, dtype=np.int64)
    found = np.zeros(len(work), dtype=np.int64)
    for piece in np.argsort(-work, kind="stable"):
        free = np.flatnonzero(count < room)
        best = free[np.lexsort((free, count[free] / speed[free], busy[free] / speed[free]))[0]]
        found[piece] = best
        busy[best] += work[piece]
        count[best] += 1
    return found
