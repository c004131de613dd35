"""The words of a layer, read one a cycle; and the states that its tokens carry."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import phase_layout, state_layout, struct
from rtl.load import LoadTarget, MemoryWrite
from rtl.prim.ram import BlockRam


class Program(wiring.Component):
    """The layer program, read from its beginning on.

    fetch: a word is read in this cycle, after the one before; the first is the layer's.
    rewind: the next word is the first.
    write: load port.
    fetched: this is the layer's last word.
    layer: the layer's word, from the cycle after its fetch on.
    sources: those of its sources.
    """

    fetch: Signal
    rewind: Signal
    write: MemoryWrite
    fetched: Signal
    layer: data.View
    sources: data.View

    def __init__(self, *, config: EngineConfig, init: list[int]) -> None:
        """`init`: words of the program."""
        self._config, self._init = config, init
        source = struct(layout.source_descriptor(config))
        super().__init__(
            {
                "fetch": In(1),
                "rewind": In(1),
                "write": In(MemoryWrite.Signature(config, LoadTarget.PROGRAM)),
                "fetched": Out(1),
                "layer": Out(phase_layout(config)),
                "sources": Out(data.ArrayLayout(source, config.maps.sources)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The word at `at` is at the memory's output, except in the cycle after a change."""
        m = Module()
        config, sources = self._config, self._config.maps.sources
        depth = config.layers * (1 + sources)
        m.submodules.ram = ram = BlockRam(
            width=layout.program_word_width(config), depth=depth + 1, init=self._init
        )
        at = Signal(range(depth + 2))
        number = Signal(range(sources + 1))
        m.d.comb += [
            ram.r_en.eq(~self.write.en),
            ram.r_addr.eq(Mux(self.rewind, 0, at + self.fetch)),
            self.fetched.eq((number != 0) & (number == self.layer.sources + 1)),
        ]
        m.d.comb += [
            ram.w_en.eq(self.write.en),
            ram.w_addr.eq(self.write.addr),
            ram.w_data.eq(self.write.data),
        ]
        with m.If(self.fetch):
            m.d.sync += [at.eq(at + 1), number.eq(Mux(self.fetched, 0, number + 1))]
            with m.If(number == 0):
                m.d.sync += self.layer.as_value().eq(ram.r_data)
            for nth in range(sources):
                with m.If(number == nth + 1):
                    m.d.sync += self.sources[nth].as_value().eq(ram.r_data)
        with m.If(self.rewind):
            m.d.sync += [at.eq(0), number.eq(0)]
        return m


class UpcomingState(wiring.Component):
    """What the next token carries: which output rows the broadcasts after it are for.

    layer: the layer's word.
    begin: the layer begins, with its first token.
    token: a token is granted.
    state: what it carries.
    final: it is the layer's last.
    """

    layer: data.View
    begin: Signal
    token: Signal
    state: data.View
    final: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "layer": In(phase_layout(config)),
                "begin": In(1),
                "token": In(1),
                "state": Out(state_layout(config)),
                "final": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The number of the state's first output row, below 0 at first."""
        m = Module()
        layer, state, rows = self.layer, self.state, self._config.maps.rows
        width = max(len(layer.height), len(layer.lead)) + 2
        later = Signal(signed(width))
        number = Signal(signed(width))
        left = Signal(signed(width + 1))
        m.d.comb += [
            number.eq(Mux(self.begin, -layer.lead, later)),
            left.eq(layer.height - number),
            state.slot.eq(Mux(layer.flat, 0, number[: len(state.slot)])),
            state.first.eq(Mux(number < 0, -number, 0)),
            state.last.eq(Mux(layer.flat | (left >= rows), rows - 1, left)),
            state.ends.eq(number > 0),
            self.final.eq(number == layer.height + 1),
        ]
        with m.If(self.token):
            m.d.sync += later.eq(number + 1)
        return m
