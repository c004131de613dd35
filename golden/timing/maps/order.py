"""What a layer broadcasts in which beat: rows of its maps, and tokens (docs/timing.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.maps.memory import MapMemory, Row
from golden.timing.maps.unpack import MapLayer

Ints = NDArray[np.int64]

EVERY = -1
"""Instead of a group: all of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Items:
    """What is broadcast; all arrays have shape (items,)."""

    beat: Ints
    group: Ints
    """To which group, or EVERY."""
    column: Ints
    """Address of its pointers."""
    base: Ints
    """What its entries' rows are counted from."""
    value: Ints
    """The activation."""


@dataclass(kw_only=True, eq=False)
class Order:
    """The beats of a layer."""

    items: Items | None = None
    rows: list[tuple[int, int, int]] = field(default_factory=list)
    """Beat, source and number of every row."""
    tokens: list[tuple[int, int]] = field(default_factory=list)
    """Beat of every token, and the output row that it ends, below 0 where there is none."""
    beats: int = 0
    """How many there are."""


def order_of(config: EngineConfig, layer: MapLayer, memory: MapMemory) -> Order:
    """The beats of a layer, whose maps are in the memory."""
    found, parts = Order(), []
    word, latency = layer.word, 2 + config.stages.activations
    at = [memory.begin(source["region"]) for source in layer.sources]
    sent = [0] * len(layer.sources)
    due = [source["due"] for source in layer.sources]
    found.tokens.append((0, -1 - word["lead"]))
    beat = 1
    for output in range(-word["lead"], word["height"] + 1):
        for nth, source in enumerate(layer.sources):
            while sent[nth] < min(due[nth], source["height"] + 1):
                phase = source["row_step"] - (due[nth] - sent[nth])
                row = memory.read(at[nth])
                found.rows.append((beat, nth, sent[nth]))
                beat += latency
                if phase >= source["skipped"]:
                    step = source["step"] * (phase - source["skipped"])
                    items = list(_items(config, source, step, row, beat))
                    parts += items
                    beat = max([beat, *(int(one.beat[-1]) + 1 for one in items)])
                sent[nth] += 1
            due[nth] += source["row_step"]
            beat += 1
        found.tokens.append((beat - 1, output))
    found.beats = beat
    names = ("beat", "group", "column", "base", "value")
    empty = [np.zeros(0, dtype=np.int64)]
    found.items = Items(
        **{name: np.concatenate([getattr(part, name) for part in parts] or empty) for name in names}
    )
    return found


def _items(
    config: EngineConfig, source: dict[str, int], step: int, row: Row, beat: int
) -> Iterator[Items]:
    """The items of a row, from `beat` on: group by group in turn, or in all groups at once."""
    groups = config.groups
    if source["local"]:
        every = [(np.arange(len(index)), g, index, value) for g, (index, value) in enumerate(row)]
    else:
        group, index, value = in_turn(row)
        every = [(np.arange(len(group)), group, index, value)]
    low = (1 << source["shift"]) - 1
    for nth, group, index, value in every:
        if not len(index):
            continue
        place = (index & low) if source["local"] else (index & low) * groups + group
        base = ((index >> source["shift"]) << source["more"]) + source["first"]
        yield Items(
            beat=beat + nth,
            group=np.full(len(index), group if source["local"] else EVERY),
            column=source["column_base"] + step + place,
            base=np.zeros_like(base) if source["still"] else base,
            value=value,
        )


def in_turn(row: Row) -> tuple[Ints, Ints, Ints]:
    """Group, index and value of a row's items, groups in turn.

    First the first item of every group, then the second of every one that has one.
    """
    group = np.concatenate([np.full(len(index), g) for g, (index, _) in enumerate(row)])
    nth = np.concatenate([np.arange(len(index)) for index, _ in row])
    index, value = (np.concatenate(each) for each in zip(*row, strict=True))
    turn = np.lexsort((group, nth))
    return group[turn], index[turn], value[turn]
