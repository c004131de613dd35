"""From recorded probe words to the event trace of golden.timing.trace."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from amaranth.lib import data
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.timing.trace import FIELDS, MAP_FIELDS, Trace, sort_events
from rtl.probe import engine_layout


def inferences(config: EngineConfig, words: Sequence[int]) -> list[Trace]:
    """Traces of all complete inferences in a recording, one probe word for each cycle."""
    layout, size = engine_layout(config), record_bytes(config)
    raw = b"".join(word.to_bytes(size, "little") for word in words)
    table = np.frombuffer(raw, dtype=np.uint8).reshape(len(words), size)
    starts = np.flatnonzero(_field(_roomy(table), layout, ("start", "valid")))
    ends = np.flatnonzero(_field(_roomy(table), layout, ("done", "valid")))
    return [trace(config, table[start : end + 1]) for start, end in zip(starts, ends, strict=False)]


def record_bytes(config: EngineConfig) -> int:
    """Bytes of one probe word."""
    return engine_layout(config).size // 8


def bit_of(config: EngineConfig, kind: str) -> int:
    """Number of the bit that says that an event of the engine itself happens."""
    return _find(engine_layout(config), (kind, "valid"))[0]


def _roomy(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With room to read eight bytes from any offset."""
    return np.pad(table, ((0, 0), (0, 8)))


def _find(layout: data.Layout, path: Sequence[str | int]) -> tuple[int, data.Field]:
    """Bit offset of a nested field, and the field."""
    offset, field = 0, data.Field(layout, 0)
    for key in path:
        inner: Any = field.shape
        field = inner[key]
        offset += field.offset
    return offset, field


def _field(
    table: NDArray[np.uint8], layout: data.StructLayout, path: Sequence[str | int]
) -> NDArray[np.int64]:
    """One field in every cycle, shape (cycles,); at most 56 bits wide."""
    offset, field = _find(layout, path)
    first, shift = divmod(offset, 8)
    chunk = np.ascontiguousarray(table[:, first : first + 8]).view("<u8")[:, 0]
    value = (chunk >> np.uint64(shift)) & np.uint64((1 << field.width) - 1)
    value = value.astype(np.int64)
    if getattr(field.shape, "signed", False):
        value -= (value >> (field.width - 1)) << field.width
    return value


def _events(
    table: NDArray[np.uint8], layout: data.StructLayout, path: tuple[str | int, ...]
) -> dict[str, NDArray[np.int64]]:
    """All fields of an event in the cycles in which it is valid, and the cycles."""
    cycle = np.flatnonzero(_field(table, layout, (*path, "valid")))
    _, field = _find(layout, path)
    fields = {"cycle": cycle}
    members: Any = field.shape
    for name, _ in members:
        if name != "valid":
            fields[name] = _field(table[cycle], layout, (*path, name))
    return fields


def trace(config: EngineConfig, records: NDArray[np.uint8]) -> Trace:
    """The trace of one inference from its probe words, shape (cycles, bytes), start to done."""
    layout, table = engine_layout(config), _roomy(records)
    kinds = {**FIELDS, **(MAP_FIELDS if config.maps.rows else {})}
    parts: dict[str, list[NDArray[np.int64]]] = {kind: [] for kind in kinds}

    def add(kind: str, fields: dict[str, NDArray[np.int64]]) -> None:
        # With one stream, nothing says which.
        fields = {"stream": np.array(0), **fields}
        columns = np.broadcast_arrays(*(fields[name] for name in kinds[kind]))
        parts[kind].append(np.stack(columns, axis=1))

    for kind in ("layer", "broadcast", "finish", "output", "done"):
        add(kind, _events(table, layout, (kind,)))
    for pe in range(config.pes):
        for kind in ("push", "pop", "issue", "commit"):
            add(kind, {**_events(table, layout, ("pe", pe, kind)), "pe": np.array(pe)})
    for group in range(config.groups):
        fields = _events(table, layout, ("group", group, "drain"))
        index = fields.pop("index")
        fields["pe"] = group * config.group + index % config.group
        fields["row"] = index // config.group
        add("drain", fields)
        if config.cells:
            _add_cells(config, table, layout, group, add)
        if config.maps.rows:
            _add_maps(config, table, layout, group, add)
    if config.maps.rows:
        add("row", _events(table, layout, ("row",)))
        for pe in range(config.pes):
            add("token", {**_events(table, layout, ("pe", pe, "token")), "pe": np.array(pe)})
    for kind in ("operation", "gate"):
        parts[kind].append(np.zeros((0, len(FIELDS[kind])), dtype=np.int64))
    return Trace(events={kind: sort_events(np.concatenate(found)) for kind, found in parts.items()})


def _add_maps(
    config: EngineConfig,
    table: NDArray[np.uint8],
    layout: data.StructLayout,
    group: int,
    add: Callable[[str, dict[str, NDArray[np.int64]]], None],
) -> None:
    """Drains of one group, its lists, and what it sends to its own PEs."""
    fields = _events(table, layout, ("group", group, "steal"))
    fields["pe"] = group * config.group + fields.pop("slot")
    add("steal", fields)
    for kind in ("length", "local"):
        fields = _events(table, layout, ("group", group, kind))
        add(kind, {**fields, "group": np.array(group)})


def _add_cells(
    config: EngineConfig,
    table: NDArray[np.uint8],
    layout: data.StructLayout,
    group: int,
    add: Callable[[str, dict[str, NDArray[np.int64]]], None],
) -> None:
    """Cell operations of one group, and writes of its cell memories."""
    fields = _events(table, layout, ("group", group, "operation"))
    fields["pe"] = group * config.group + fields.pop("slot")
    add("operation", fields)
    fields = _events(table, layout, ("group", group, "gate"))
    slots = fields.pop("slots")
    for slot in range(config.group_size(group)):
        mine = slots >> slot & 1 == 1
        one = {name: values[mine] for name, values in fields.items()}
        add("gate", {**one, "pe": np.array(group * config.group + slot)})
