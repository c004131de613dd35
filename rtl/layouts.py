"""Amaranth layouts of every memory word and stream, made from `golden.format.layout`."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import CELL_WIDTH, ActCode, bits_for
from rtl.operations.table import CARRIED, constants, number_width


def struct(fields: layout.Layout) -> data.StructLayout:
    """The Amaranth layout of a golden layout."""
    return data.StructLayout(
        {name: signed(bits) if sign else unsigned(bits) for name, (bits, sign) in fields.items()}
    )


def sent_shape(config: EngineConfig) -> Shape:
    """What the PEs are sent of an activation: itself, or the word of its code."""
    linear = config.act_code is ActCode.LINEAR
    return signed(config.act_width) if linear else unsigned(config.sent_width)


def input_layout(config: EngineConfig) -> data.StructLayout:
    """One input activation; `last` with the final one of an inference.

    With cells: `last` ends one stream's step. Valid with that activation, reset: the stream's state
    is zero before this step; answer (of the last stream): the head runs, and results are handed
    over. With maps, row: the last one of a row (golden.maps.grid.arrange).
    """
    more = {"reset": unsigned(1), "answer": unsigned(1)} if config.cells else {}
    more |= {"row": unsigned(1)} if config.maps.rows else {}
    return data.StructLayout({"value": signed(config.act_width), "last": unsigned(1), **more})


def output_layout(config: EngineConfig) -> data.StructLayout:
    """One non-zero output, its position (golden.format.layer.Layer.position), and its stream."""
    more = {"stream": range(config.streams)} if config.streams > 1 else {}
    return data.StructLayout(
        {"position": unsigned(config.position_width), "value": signed(config.act_width), **more}
    )


def broadcast_layout(config: EngineConfig) -> data.StructLayout:
    """One non-zero activation and the address of its column's pointer; with maps, what is beside.

    With maps it may also be a token (beside_layout).
    """
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "column": unsigned(config.column_width),
            "value": sent_shape(config),
            **({"beside": beside_layout(config)} if config.maps.rows else {}),
        }
    )


def job_layout(config: EngineConfig) -> data.StructLayout:
    """One job of a PE: a column's entries (see golden.format.layout.pointer), and their activation.

    Where phases overlap, also which of the PE's two sets of sums they go to, and their layer. With
    maps, base: what their rows are counted from; token: it is none, and all else is a state
    (state_layout).
    """
    more = {"odd": unsigned(1), "layer": config.layer_width} if config.streams > 1 else {}
    if config.maps.rows:
        more = {"base": base_shape(config), "token": unsigned(1)}
        missing = state_layout(config).size - config.start_width - config.count_width
        missing -= sent_shape(config).width + base_shape(config).width
        more |= {"pad": unsigned(missing)} if missing > 0 else {}
    return data.StructLayout(
        {
            "start": unsigned(config.start_width),
            "count": unsigned(config.count_width),
            "value": sent_shape(config),
            **more,
        }
    )


def state_layout(config: EngineConfig) -> data.StructLayout:
    """What a token carries: which output rows of a map are added to from here on.

    slot: the first one's place in the ring. first, last: of the output rows from there on, those
    that exist. ends: the token ends an output row.
    """
    ring = unsigned(config.maps.row_bits)
    return data.StructLayout({"slot": ring, "first": ring, "last": ring, "ends": unsigned(1)})


def beside_layout(config: EngineConfig) -> data.StructLayout:
    """What goes with a broadcast to the PEs; only with maps.

    token: it is a token, which carries the state, and no activation. base: what the rows of the
    column's entries are counted from.
    """
    return data.StructLayout(
        {"token": unsigned(1), "base": base_shape(config), "state": state_layout(config)}
    )


def base_shape(config: EngineConfig) -> Shape:
    """What the rows of a job's entries are counted from; only with maps."""
    return signed(config.maps.base_width(config.row_depth))


def local_shape(config: EngineConfig) -> Shape:
    """A local row as a PE counts it; with maps it may be before or behind those that exist."""
    if config.maps.rows:
        return signed(base_shape(config).width + 1 + config.maps.row_bits)
    return unsigned(config.row_width)


def element_layout(config: EngineConfig) -> data.StructLayout:
    """What a group puts on the collector's tree; all zero when `valid` is 0.

    back: of the list of what is fed back. With maps, index: the place among the group's columns of
    the row; base: see beside_layout.
    """
    return data.StructLayout(
        {
            **({"back": unsigned(1)} if config.cells else {}),
            "valid": unsigned(1),
            "index": unsigned(config.index_width),
            **({"base": base_shape(config)} if config.maps.rows else {}),
            "value": signed(config.act_width),
        }
    )


def requantise_layout(config: EngineConfig) -> data.StructLayout:
    """How a layer's sums become activations, shift less shift_low; steady while it drains.

    coded: they are sent as codes; only where activations are.
    """
    coded = {} if config.act_code is ActCode.LINEAR else {"coded": unsigned(1)}
    return data.StructLayout({"shift": unsigned(config.shift_width), "relu": unsigned(1), **coded})


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


def next_layout(config: EngineConfig) -> data.StructLayout:
    """A phase that has not begun: what it broadcasts, and the settings of its operations.

    base, back_base: pointer addresses of the first column, and of the first that is fed back.
    """
    cells = {"back_base": config.column_width, "lists": begin_layout(config)}
    return data.StructLayout(
        {
            "base": config.column_width,
            "phase": phase_layout(config),
            **(cells if config.cells else {}),
        }
    )


def phase_layout(config: EngineConfig) -> data.StructLayout:
    """What a group needs to know of a phase: one layer of one stream.

    rows: cells per PE, or rows of a fully connected layer, less one. bias_base, shift, relu: of
    the layer (golden.format.layout.descriptor). layer: its number. With functions, function: of its
    results. Where activations are coded, coded: its results are.

    With cells, kind: the layer's program of operations. target: the list of its outputs. state:
    address of the first cell's word A. peephole: of the layer. fresh: the previous step's state
    counts as zero. odd: which of the PEs' two sets of sums it uses, if there are two.

    With delta, threshold, place: of its outputs, and their list for rtl.front.delta. keep: its sums
    last. plain: its outputs are sent unchanged.

    With maps: the layer's word as it is (golden.format.layout.map_descriptor).
    """
    if config.maps.rows:
        return struct(layout.map_descriptor(config))
    cells = {
        "kind": unsigned(2),
        "target": unsigned(config.list_width),
        "state": unsigned(config.cell_width),
        "peephole": unsigned(config.entry_address_width),
        "fresh": unsigned(1),
        "odd": unsigned(1),
    }
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
            "layer": unsigned(config.layer_width),
            **({"function": unsigned(2)} if config.functions else {}),
            **({} if config.act_code is ActCode.LINEAR else {"coded": unsigned(1)}),
            **(cells if config.cells else {}),
            **(delta if config.delta else {}),
        }
    )


def operation_layout(config: EngineConfig) -> data.StructLayout:
    """An operation on its way, without the fields that are equal in all operations of an engine.

    slot: the PE. row: the row whose sum is added, if one is. With cells, number, cell: which
    operation, on which of its cells. mask: the right operand counts as zero. The others:
    rtl.operations.table.

    With maps, row: address of the sum. unit, cell: number of its bias and of its output among the
    PE's. opens, closes: it is the first, the last of its window. ends: with it the drain ends.
    """
    fixed = constants(config)
    carried = {
        "mask" if name == "old" else name: unsigned(bits)
        for name, bits in CARRIED.items()
        if name not in fixed
    }
    cells = {"number": unsigned(number_width(config)), "cell": unsigned(config.row_width)}
    maps = {
        **dict.fromkeys(("unit", "cell"), unsigned(config.row_width)),
        **dict.fromkeys(("opens", "closes", "ends"), unsigned(1)),
    }
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "slot": unsigned(bits_for(config.group - 1)),
            "row": unsigned(config.row_width),
            **(cells if config.cells else {}),
            **(maps if config.maps.rows else {}),
            **carried,
        }
    )


def access_layout(config: EngineConfig) -> data.StructLayout:
    """An operation's access to the cell memory of its PE, and the resulting operands.

    read, address: read a word. use_left: a cycle later, the left operand is the word's, or 1 (one),
    and not an entry. use_right: the right operand is the word's, but 0 with mask. write: one bit
    for each half, left first. write_address, value: what is written.
    """
    return data.StructLayout(
        {
            "read": unsigned(1),
            "address": unsigned(config.cell_width),
            **{name: unsigned(1) for name in ("use_left", "use_right", "one", "mask")},
            "write": unsigned(2),
            "write_address": unsigned(config.cell_width),
            "value": signed(CELL_WIDTH),
        }
    )


def arriving_layout(config: EngineConfig) -> data.StructLayout:
    """An input activation on its way to a group.

    close: with it an input vector ends; with maps, with that of a cycle ago a row.
    """
    return data.StructLayout(
        {
            "valid": unsigned(1),
            "index": unsigned(config.index_width),
            "value": signed(config.act_width),
            **({"close": unsigned(1)} if config.cells or config.maps.rows else {}),
        }
    )


def total_layout(config: EngineConfig) -> data.StructLayout:
    """What a PE's accumulator takes from an operation (see rtl.pe.accumulator).

    row: address of the sum. With cells, sums: it is added. clear: it is set to zero. join: the
    previous operation's total is added.
    """
    cells = {name: unsigned(1) for name in ("sums", "clear", "join")}
    return data.StructLayout({"row": unsigned(config.sum_width), **(cells if config.cells else {})})
