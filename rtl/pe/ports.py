"""What a processing element shows to its group."""

from amaranth.hdl import Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import (
    access_layout,
    beside_layout,
    phase_layout,
    sent_shape,
    struct,
    total_layout,
)
from rtl.load import load_layout


class PeState(enum.Enum, shape=2):
    """What a PE is doing, for waveforms."""

    IDLE = 0
    QUEUED = 1
    RUN = 2
    DRAIN = 3


class PePorts(wiring.Component):
    """The ports of rtl.pe.pe.ProcessingElement; those that its engine needs.

    arriving: a broadcast's column arrives; a job, if it is not empty; with `stages.push`, later.
    pointer: that column in this PE.
    value: its activation.
    closed: all jobs of the phase whose operations come next have arrived.
    layer: number of the layer that is broadcast.
    near_full: the queue was nearly full a cycle ago.
    ready: all entries of the phase whose operations come next are issued.
    steal: an operation begins, instead of an entry.
    add: its total is due (rtl.operations.pipeline), with `stages.clear` a cycle later.
    totals: what the accumulator does for it.
    sum: its sum or total, `Accumulator.result_latency` cycles after `add`.
    load_valid: a word of the load port.
    load_word: the word.
    turn: this PE may read the entry memory that it shares, if it does.
    fetch: it reads that memory.
    fetch_address: address of the word.
    word: the word, a cycle later.
    state: for waveforms.

    With cells:

    back_layer: number of the layer whose operations run; where phases overlap.
    odd: which of the PE's two sets of sums the broadcasts are for; where phases overlap.
    back_odd: the same for the phase whose operations run.
    look: the operation that begins takes a peephole, an entry.
    look_address: its address.
    access: of the cell memory, and the operands from there (rtl.layouts.access_layout).

    With maps:

    beside: what arrives with a broadcast, or the token that does instead; as `value`.
    phase: the layer's word.
    drained: the group drained output rows a cycle ago.
    ended: output rows that this PE has ended and that are not drained.
    """

    arriving: Signal
    pointer: data.View
    value: Signal
    closed: Signal
    layer: Signal
    near_full: Signal
    ready: Signal
    steal: Signal
    add: Signal
    totals: data.View
    sum: Signal
    load_valid: Signal
    load_word: data.View
    turn: Signal
    fetch: Signal
    fetch_address: Signal
    word: Signal
    state: Signal
    back_layer: Signal
    odd: Signal
    back_odd: Signal
    look: Signal
    look_address: Signal
    access: data.View
    beside: data.View
    phase: data.View
    drained: Signal
    ended: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Which there are, and their widths, come from `config`."""
        overlap = {"odd": In(1), "back_odd": In(1), "back_layer": In(config.layer_width)}
        cells = {
            "look": In(1),
            "look_address": In(config.entry_address_width),
            "access": In(access_layout(config)),
        }
        maps = {
            "beside": In(beside_layout(config)),
            "phase": In(phase_layout(config)),
            "drained": In(1),
            "ended": Out(config.maps.row_bits + 1),
        }
        super().__init__(
            {
                "arriving": In(1),
                "pointer": In(struct(layout.pointer(config))),
                "value": In(sent_shape(config)),
                "closed": In(1),
                "layer": In(config.layer_width),
                "near_full": Out(1),
                "ready": Out(1),
                "steal": In(1),
                "add": In(1),
                "totals": In(total_layout(config)),
                "sum": Out(signed(config.acc_width)),
                "load_valid": In(1),
                "load_word": In(load_layout(config)),
                "turn": In(1),
                "fetch": Out(1),
                "fetch_address": Out(config.start_width),
                "word": In(layout.entry_word_width(config)),
                "state": Out(PeState),
                **(overlap if config.streams > 1 else {}),
                **(cells if config.cells else {}),
                **(maps if config.maps.rows else {}),
            }
        )
