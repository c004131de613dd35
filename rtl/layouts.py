"""Amaranth layouts of every memory word and stream, made from `golden.layout`."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from golden import layout
from golden.config import EngineConfig


def struct(fields: layout.Layout) -> data.StructLayout:
    """The Amaranth layout of a golden layout."""
    return data.StructLayout(
        {name: signed(bits) if sign else unsigned(bits) for name, (bits, sign) in fields.items()}
    )


def input_layout(config: EngineConfig) -> data.StructLayout:
    """One input activation; `last` with the final one of an inference."""
    return data.StructLayout({"value": signed(config.act_width), "last": unsigned(1)})


def output_layout(config: EngineConfig) -> data.StructLayout:
    """One non-zero output and its position (see golden.network.Layer.position)."""
    return data.StructLayout(
        {"position": unsigned(config.position_width), "value": signed(config.act_width)}
    )


def broadcast_layout(config: EngineConfig) -> data.StructLayout:
    """One non-zero activation and the address of its column's pointer."""
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "column": unsigned(config.column_width),
            "value": signed(config.act_width),
        }
    )


def job_layout(config: EngineConfig) -> data.StructLayout:
    """One job of a PE: a column's entries (see golden.layout.pointer), and their activation."""
    return data.StructLayout(
        {
            "start": unsigned(config.start_width),
            "count": unsigned(config.count_width),
            "value": signed(config.act_width),
        }
    )


def element_layout(config: EngineConfig) -> data.StructLayout:
    """What a group puts on the collector's tree; all zero when `valid` is 0."""
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "index": unsigned(config.index_width),
            "value": signed(config.act_width),
        }
    )


def drain_layout(config: EngineConfig) -> data.StructLayout:
    """One drain step of a group.

    row, slot: the sum read is that of local row `row` of the group's PE number `slot`. index: the
    output's index within the group, and its bias's number.
    """
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "row": unsigned(config.row_width),
            "slot": range(config.group),
            "index": unsigned(config.index_width),
        }
    )


def requantise_layout(config: EngineConfig) -> data.StructLayout:
    """How a layer's sums become activations, shift less shift_low; steady while it drains."""
    return data.StructLayout({"shift": unsigned(config.shift_width), "relu": unsigned(1)})


def settings_layout(config: EngineConfig) -> data.StructLayout:
    """What a group needs to know of a layer for its drain (see golden.layout.descriptor)."""
    return data.StructLayout(
        {
            "rows": unsigned(config.row_width),
            "bias_base": unsigned(config.column_width),
            "shift": unsigned(config.shift_width),
            "relu": unsigned(1),
        }
    )


def counters_layout() -> data.StructLayout:
    """The counters (see golden.timing.Counters)."""
    return data.StructLayout(
        {name: unsigned(32) for name in ("cycles", "macs", "stalls", "starved")}
    )
