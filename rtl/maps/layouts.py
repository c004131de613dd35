"""What travels only in an engine with maps: rows and items."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import struct


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
    """An item of a group's list, its index within the row; all zero without `valid`."""
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "index": unsigned(config.index_width),
            "value": signed(config.act_width),
        }
    )


def target_layout(config: EngineConfig) -> data.StructLayout:
    """What is written. open: the next row is a map's first. region: where that map begins."""
    return data.StructLayout({"open": unsigned(1), "region": unsigned(region_width(config))})
