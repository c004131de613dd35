"""What the sequencer does next, worked out a cycle ahead."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import ActCode
from rtl.layouts import next_layout, struct


class Upcoming(wiring.Component):
    """The next phase: the same layer of the next stream, or the next layer of the first one.

    following: word of the next layer.
    current: word of the layer that is broadcast.
    layer: its number.
    next: the next phase; with cells, a cycle after its inputs.

    With cells:

    parity: of the step.
    odd: which sums the phase that is broadcast uses.
    output: results are being handed over.
    results: the list of results that is handed over next, a cycle after its inputs.

    With several streams:

    stream: whose phase is broadcast.
    last_stream: that is the last stream.
    out_stream: whose results are being handed over.
    """

    following: data.View
    current: data.View
    layer: Signal
    next: data.View
    parity: Signal
    odd: Signal
    output: Signal
    results: Signal
    stream: Signal
    last_stream: Signal
    out_stream: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of streams and widths come from `config`."""
        self._config = config
        word = struct(layout.descriptor(config))
        cells = {
            "parity": In(1),
            "odd": In(1),
            "output": In(1),
            "results": Out(config.list_width),
        }
        streams = {
            "stream": In(range(config.streams)),
            "last_stream": In(1),
            "out_stream": In(range(config.streams)),
        }
        super().__init__(
            {
                "following": In(word),
                "current": In(word),
                "layer": In(config.layer_width),
                "next": Out(next_layout(config)),
                **(cells if config.cells else {}),
                **(streams if config.streams > 1 else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The layer's word, and the lists and addresses of the stream."""
        m = Module()
        config, following, phase = self._config, self.following, self.next.phase
        word, layer, lists, states = following, self.layer + 1, Value.cast(0), Value.cast(0)
        if config.streams > 1:
            word = Signal.like(following)
            m.d.comb += word.eq(Mux(self.last_stream, following, self.current))
            layer = Mux(self.last_stream, self.layer + 1, self.layer)
            stream = Mux(self.last_stream, 0, self.stream + 1)
            lists, states = stream * config.stream_lists, stream * config.cells
        names = ["rows", "bias_base", "shift", "relu"]
        names += ["function"] if config.functions else []
        # Without cells the next phase is the word itself.
        domain = m.d.sync if config.cells else m.d.comb
        domain += [
            self.next.base.eq(word.column_base),
            phase.layer.eq(layer),
            *(phase[name].eq(word[name]) for name in names),
        ]
        if config.act_code is not ActCode.LINEAR:
            m.d.comb += phase.coded.eq(~word.last)
        if config.cells:
            self._lists(m, word, lists, states)
        if config.delta:
            m.d.sync += [
                phase.threshold.eq(word.threshold),
                phase.place.eq(word.target),
                phase.keep.eq(word.keep),
            ]
        return m

    def _lists(self, m: Module, word: data.View, lists: Value, states: Value) -> None:
        """What is read and written; `lists` and `states` are the stream's first ones."""
        config, phase, current = self._config, self.next.phase, self.current
        m.d.sync += [
            self.next.back_base.eq(word.recurrent_base),
            self.next.lists.source.eq(word.source + (word.source_alternates & self.parity) + lists),
            self.next.lists.back.eq(word.recurrent + ~self.parity + lists),
            self.next.lists.fed_back.eq(word.fed_back),
            phase.target.eq(word.target + (word.target_alternates & self.parity) + lists),
            phase.state.eq(word.cell_base + states),
            phase.odd.eq(~self.odd),
            phase.kind.eq(word.kind),
            phase.peephole.eq(word.peephole),
        ]
        handed = Value.cast(0)
        if config.streams > 1:
            handed = Mux(self.output, self.out_stream + 1, 0) * config.stream_lists
        m.d.sync += self.results.eq(
            current.target + (current.target_alternates & self.parity) + handed
        )
