"""What the sequencer of an engine with cells does next, worked out a cycle ahead."""

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data

from golden.config import EngineConfig
from rtl.layouts import begin_layout, phase_layout

if TYPE_CHECKING:
    from rtl.sequence.cell_sequencer import CellSequencer


def next_layout(config: EngineConfig) -> data.StructLayout:
    """A phase that has not begun: what it broadcasts, and then its operations' settings."""
    return data.StructLayout(
        {
            "base": config.column_width,
            "back_base": config.column_width,
            "lists": begin_layout(config),
            "phase": phase_layout(config),
        }
    )


def prepare(
    m: Module,
    *,
    config: EngineConfig,
    now: "CellSequencer",
    following: data.View,
    current: data.View,
    parity: Signal,
) -> data.View:
    """The next phase: the same layer of the next stream, or the next layer of the first.

    now: the phase that is broadcast. following, current: words of the next layer and of its own.
    parity: of the step. Returned in registers, as lists and addresses of that stream.
    """
    upcoming: Any = Signal(next_layout(config), name="upcoming")
    stream, layer = Signal.like(now.stream), Signal.like(now.layer)
    word: Any = Signal(current.shape())
    with m.If(now.last_stream()):
        m.d.comb += [stream.eq(0), layer.eq(now.layer + 1), word.eq(following)]
    with m.Else():
        m.d.comb += [stream.eq(now.stream + 1), layer.eq(now.layer), word.eq(current)]
    lists, cells = stream * config.stream_lists, stream * config.cells
    m.d.sync += [
        upcoming.base.eq(word.column_base),
        upcoming.back_base.eq(word.recurrent_base),
        upcoming.lists.source.eq(word.source + (word.source_alternates & parity) + lists),
        upcoming.lists.back.eq(word.recurrent + ~parity + lists),
        upcoming.lists.fed_back.eq(word.fed_back),
        upcoming.phase.target.eq(word.target + (word.target_alternates & parity) + lists),
        upcoming.phase.state.eq(word.cell_base + cells),
        upcoming.phase.layer.eq(layer),
        upcoming.phase.odd.eq(~now.odd),
        *(
            upcoming.phase[name].eq(word[name])
            for name in ("rows", "bias_base", "shift", "relu", "kind", "peephole")
        ),
    ]
    if config.delta:
        m.d.sync += [
            upcoming.phase.threshold.eq(word.threshold),
            upcoming.phase.place.eq(word.target),
            upcoming.phase.keep.eq(word.keep),
        ]
    return upcoming


def result_list(
    m: Module,
    *,
    config: EngineConfig,
    now: "CellSequencer",
    current: Any,
    parity: Signal,
) -> Signal:
    """The list of results that is handed over next: the first stream's, or the next one's."""
    out = Signal(config.list_width, name="out")
    stream = Mux(now.output, now.out_stream + 1, 0)
    m.d.sync += out.eq(
        current.target + (current.target_alternates & parity) + stream * config.stream_lists
    )
    return out
