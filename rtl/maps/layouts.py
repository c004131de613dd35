"""What travels in an engine with maps: rows, items, broadcasts, states."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import sent_shape, state_layout, struct


def region_width(config: EngineConfig) -> int:
    """Bits of an address in a group's memory of maps."""
    return bits_for(config.maps.depth - 1)


def reading_layout(config: EngineConfig) -> data.StructLayout:
    """How items become columns and bases (golden.format.layout.source_descriptor)."""
    source = struct(layout.source_descriptor(config)).members
    names = ("shift", "more", "first", "local", "still")
    return data.StructLayout(
        {"column": unsigned(config.column_width), **{name: source[name] for name in names}}
    )


def row_layout(config: EngineConfig) -> data.StructLayout:
    """A row that begins to be read with `valid`.

    source: the number of its map in the layer, steady until the next row begins. begins: it is the
    map's first row, at `region`; with valid. skip: none of its items is wanted; this and reading
    come a cycle after valid, and are steady until the next row begins.
    """
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "source": unsigned(bits_for(config.maps.sources - 1)),
            "begins": unsigned(1),
            "region": unsigned(region_width(config)),
            "skip": unsigned(1),
            "reading": reading_layout(config),
        }
    )


def item_layout(config: EngineConfig) -> data.StructLayout:
    """An item with its place among its group's columns of the row; all zero without `valid`."""
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "place": unsigned(config.index_width),
            "base": signed(config.maps.base_width(config.row_depth)),
            "value": sent_shape(config),
        }
    )


def cast_layout(config: EngineConfig) -> data.StructLayout:
    """A broadcast to a group: an activation and the address of its column, or a token."""
    item = item_layout(config).members
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "token": unsigned(1),
            "column": unsigned(max(config.column_width, config.position_width)),
            "base": item["base"],
            "value": item["value"],
            "state": state_layout(config),
        }
    )


def step_layout(config: EngineConfig) -> data.StructLayout:
    """A step of a drain: the PE whose sum is taken, and what becomes of it.

    unit, output: number of the bias and of the activation among the PE's. opens, closes: it is the
    first, the last of its window. ends: with it the drain ends.
    """
    row = unsigned(config.row_width)
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "slot": unsigned(bits_for(config.group - 1)),
            "address": row,
            "unit": row,
            "output": row,
            **dict.fromkeys(("opens", "closes", "ends"), unsigned(1)),
        }
    )
