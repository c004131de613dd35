"""Events that an engine shows to a simulator, as one wide word for each cycle.

The word is an expression over signals that the engine has anyway, so it costs nothing if nothing
reads it. `sim.tracer` turns recorded words into the events of golden.timing.trace.
"""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Const, Shape, ShapeLike, Value, ValueLike, signed, unsigned
from amaranth.lib import data

from golden.config import EngineConfig
from golden.kinds import CELL_WIDTH, bits_for
from rtl.layouts import sent_shape
from rtl.operations.table import number_width

Events = dict[str, Mapping[str, ValueLike]]
"""Kind of event -> field -> signal; field `valid` says when the others have a meaning."""


def fields(view: data.View) -> dict[str, ValueLike]:
    """The fields of a view of a StructLayout."""
    return {name: view[name] for name, _ in view.shape()}


def padded(members: dict[str, ShapeLike]) -> data.StructLayout:
    """A layout with a last field `pad` that fills it to a multiple of 32 bits.

    So each part of the word starts at a machine word, and a simulator can copy it.
    """
    size = data.StructLayout(members).size
    return data.StructLayout({**members, "pad": unsigned(-size % 32)})


def assemble(layout: Any, values: Any) -> Value:
    """One value laid out as `layout`, from nested dicts and lists of signals; padding is zero."""
    if isinstance(layout, data.StructLayout):
        values = {"pad": Const(0, 32), **values}
        return Cat(assemble(field.shape, values[name]) for name, field in layout)
    if isinstance(layout, data.ArrayLayout):
        return Cat(assemble(layout.elem_shape, value) for value in values)
    return Value.cast(values)[: Shape.cast(layout).width]


def pe_layout(config: EngineConfig) -> data.StructLayout:
    """Events of one PE."""
    return padded(
        {
            "push": data.StructLayout(
                {
                    "valid": unsigned(1),
                    "start": unsigned(config.start_width),
                    "count": unsigned(config.count_width),
                    "value": sent_shape(config),
                }
            ),
            **({"token": _token(config)} if config.maps.rows else {}),
            "pop": data.StructLayout({"valid": unsigned(1)}),
            "issue": data.StructLayout(
                {"valid": unsigned(1), "address": unsigned(config.entry_address_width)}
            ),
            "commit": data.StructLayout(
                {
                    "valid": unsigned(1),
                    "row": unsigned(config.row_width),
                    "value": signed(config.acc_width),
                }
            ),
        }
    )


def group_layout(config: EngineConfig) -> data.StructLayout:
    """Events of one group: its drain unit's and its cells'.

    gate: slots has one bit for each PE.
    """
    drain = {
        "valid": unsigned(1),
        "index": unsigned(config.index_width),
        "value": signed(config.act_width),
    }
    cells = {
        "operation": data.StructLayout(
            {
                "valid": unsigned(1),
                "slot": unsigned(bits_for(config.group - 1)),
                "operation": unsigned(number_width(config)),
                "cell": unsigned(config.row_width),
            }
        ),
        "gate": data.StructLayout(
            {
                "valid": unsigned(1),
                "slots": unsigned(config.group),
                "half": unsigned(1),
                "address": unsigned(config.cell_width),
                "value": signed(CELL_WIDTH),
            }
        ),
    }
    more = cells if config.cells else _map_events(config) if config.maps.rows else {}
    return padded({"drain": data.StructLayout(drain), **more})


def _token(config: EngineConfig) -> data.StructLayout:
    """A PE takes a token."""
    return data.StructLayout({"valid": unsigned(1), "slot": unsigned(config.maps.row_bits)})


def _map_events(config: EngineConfig) -> dict[str, data.StructLayout]:
    """Of a group with maps."""
    return {
        "steal": data.StructLayout(
            {
                "valid": unsigned(1),
                "slot": unsigned(bits_for(config.group - 1)),
                "address": unsigned(config.row_width),
            }
        ),
        "length": data.StructLayout(
            {"valid": unsigned(1), "items": unsigned(bits_for(config.act_depth))}
        ),
        "local": data.StructLayout(
            {
                "valid": unsigned(1),
                "column": unsigned(config.column_width),
                "value": signed(config.act_width),
            }
        ),
    }


def sequence_layout(config: EngineConfig) -> data.StructLayout:
    """Events of the engine that are neither a PE's nor a group's."""
    stream = {"stream": unsigned(bits_for(config.streams - 1))} if config.streams > 1 else {}
    return padded(
        {
            "layer": data.StructLayout(
                {"valid": unsigned(1), "layer": unsigned(config.layer_width), **stream}
            ),
            "broadcast": data.StructLayout(
                {
                    "valid": unsigned(1),
                    "column": unsigned(config.column_width),
                    "value": signed(config.act_width),
                }
            ),
            **({"row": _row(config)} if config.maps.rows else {}),
            "finish": data.StructLayout({"valid": unsigned(1)}),
            "output": data.StructLayout(
                {
                    "valid": unsigned(1),
                    "position": unsigned(config.position_width),
                    "value": signed(config.act_width),
                    **stream,
                }
            ),
            "done": data.StructLayout({"valid": unsigned(1)}),
            "start": data.StructLayout({"valid": unsigned(1)}),
        }
    )


def _row(config: EngineConfig) -> data.StructLayout:
    """A row of a map begins to be read."""
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "source": unsigned(bits_for(config.maps.sources - 1)),
            "row": unsigned(bits_for(config.maps.height - 1)),
        }
    )


def engine_layout(config: EngineConfig) -> data.StructLayout:
    """All events of an engine."""
    sequence = {name: field.shape for name, field in sequence_layout(config)}
    return data.StructLayout(
        {
            **sequence,
            "pe": data.ArrayLayout(pe_layout(config), config.pes),
            "group": data.ArrayLayout(group_layout(config), config.groups),
        }
    )
