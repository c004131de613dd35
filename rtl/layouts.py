"""Amaranth layouts of every memory word and stream, made from `golden.format.layout`."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from golden.config import EngineConfig
from golden.format import layout
from golden.format.program import OPERATIONS
from golden.kinds import bits_for

OPERATION_WIDTH = bits_for(len(OPERATIONS) - 1)
"""Bits of the number of a cell operation."""


def struct(fields: layout.Layout) -> data.StructLayout:
    """The Amaranth layout of a golden layout."""
    return data.StructLayout(
        {name: signed(bits) if sign else unsigned(bits) for name, (bits, sign) in fields.items()}
    )


def input_layout(config: EngineConfig) -> data.StructLayout:
    """One input activation; `last` with the final one of an inference.

    With cells: `last` ends one stream's step. Beside its last activation, reset: the stream's state
    is zero before this step; answer, in the last stream's: the head runs, and results are handed
    over.
    """
    more = {"reset": unsigned(1), "answer": unsigned(1)} if config.cells else {}
    return data.StructLayout({"value": signed(config.act_width), "last": unsigned(1), **more})


def output_layout(config: EngineConfig) -> data.StructLayout:
    """One non-zero output and its position (network.Layer.position); and its stream."""
    more = {"stream": range(config.streams)} if config.streams > 1 else {}
    return data.StructLayout(
        {"position": unsigned(config.position_width), "value": signed(config.act_width), **more}
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
    """One job of a PE: a column's entries (see golden.format.layout.pointer), and their activation.

    Where phases overlap, also which of the PE's two sets of sums they go to, and their layer.
    """
    more = {"odd": unsigned(1), "layer": config.layer_width} if config.streams > 1 else {}
    return data.StructLayout(
        {
            "start": unsigned(config.start_width),
            "count": unsigned(config.count_width),
            "value": signed(config.act_width),
            **more,
        }
    )


def element_layout(config: EngineConfig) -> data.StructLayout:
    """What a group puts on the collector's tree; all zero when `valid` is 0.

    back: of the list of what is fed back.
    """
    return data.StructLayout(
        {
            **({"back": unsigned(1)} if config.cells else {}),
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
    """What a group needs to know of a layer for its drain (see golden.format.layout.descriptor)."""
    return data.StructLayout(
        {
            "rows": unsigned(config.row_width),
            "bias_base": unsigned(config.column_width),
            "shift": unsigned(config.shift_width),
            "relu": unsigned(1),
        }
    )


def counters_layout() -> data.StructLayout:
    """The counters (see golden.timing.unpack.Counters)."""
    return data.StructLayout(
        {name: unsigned(32) for name in ("cycles", "macs", "stalls", "starved")}
    )


def begin_layout(config: EngineConfig) -> data.StructLayout:
    """The lists that a phase broadcasts; `back` is used only where `fed_back` is set."""
    return data.StructLayout(
        {
            "source": unsigned(config.list_width),
            "back": unsigned(config.list_width),
            "fed_back": unsigned(1),
        }
    )


def phase_layout(config: EngineConfig) -> data.StructLayout:
    """What a group needs to know of a phase: one layer of one stream.

    rows: cells per PE, or rows of a dense layer, less one. bias_base, shift, relu, peephole: of the
    layer (golden.format.layout.descriptor). kind: its program of operations. target: the list of
    its outputs. state: address of the first cell's word A. fresh: the state of the step before
    counts as zero. odd: which of the PEs' sums it uses. layer: its number. With delta, threshold,
    place: of its outputs, and their list for rtl.front.delta; keep: its sums last; plain: its
    outputs are sent as they are.
    """
    delta = {
        "threshold": unsigned(config.act_width - 1),
        "place": unsigned(config.list_width),
        "keep": unsigned(1),
        "plain": unsigned(1),
    }
    return data.StructLayout(
        {
            "rows": unsigned(config.row_width),
            "bias_base": unsigned(config.column_width),
            "shift": unsigned(config.shift_width),
            "relu": unsigned(1),
            "kind": unsigned(2),
            "target": unsigned(config.list_width),
            "state": unsigned(config.cell_width),
            "peephole": unsigned(config.entry_address_width),
            "fresh": unsigned(1),
            "odd": unsigned(1),
            "layer": unsigned(config.layer_width),
            **(delta if config.delta else {}),
        }
    )


def operation_layout(config: EngineConfig) -> data.StructLayout:
    """A cell operation on its way (golden.format.program.Operation has the meanings).

    slot: the PE. number, cell: which operation, on which of its cells. memory, one, look: the left
    operand is from the cell memory, 1, or a peephole. mask: the right operand counts as zero.
    sums: a row's sum is added, that of row `row`.
    """
    bits = (
        *("memory", "one", "look", "mask", "sums", "clear", "join"),
        *("more", "product", "narrow", "raw", "left_half", "right_half", "output"),
    )
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "slot": unsigned(bits_for(config.group - 1)),
            "number": unsigned(OPERATION_WIDTH),
            "cell": unsigned(config.row_width),
            "row": unsigned(config.row_width),
            "word": unsigned(2),
            "target": unsigned(2),
            "function": unsigned(2),
            **{name: unsigned(1) for name in bits},
        }
    )


def operand_layout(config: EngineConfig) -> data.StructLayout:
    """What a PE's multiplier takes from an operation, beside the cell memory's word.

    use_left: left operand from the cell memory (memory) or 1 (one), not an entry. use_right: right
    operand from there, but 0 with mask.
    """
    names = ("use_left", "use_right", "memory", "one", "mask")
    return data.StructLayout(dict.fromkeys(names, 1))


def total_layout(config: EngineConfig) -> data.StructLayout:
    """What a PE's accumulator takes from an operation (see rtl.pe.cell_accumulator)."""
    return data.StructLayout(
        {
            "row": config.row_width,
            "set": max(1, config.sum_width - config.row_width),
            "sums": 1,
            "clear": 1,
            "join": 1,
        }
    )
