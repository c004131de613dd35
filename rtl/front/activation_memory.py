"""Activation memory of a PE group, with leading non-zero detection (EIE, section 4, "LNZD").

EIE keeps activations dense and looks for the next non-zero one when it reads them, many at a time.
Here zeros are dropped when an activation is written, so a read finds a non-zero one every cycle and
zero activations cost neither time nor memory (docs/engine.md).
"""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import element_layout, struct
from rtl.prim.ram import BlockRam


class ActivationMemory(wiring.Component):
    """Two lists of non-zero activations, source and destination; `swap` exchanges them.

    write, index, value: append to the destination, unless the value is zero. swap: the destination,
    with what is written in this cycle, becomes the source from the next cycle on, and what is left
    of the old source is dropped. pending: the source has elements left. grant: take the next one;
    only when pending and not with hold (asserted). element: the one granted in the last cycle
    without hold; all zero if there was none.
    """

    LATENCY = 1
    """From grant to element."""

    write: Signal
    index: Signal
    value: Signal
    swap: Signal
    hold: Signal
    pending: Signal
    grant: Signal
    element: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "write": In(1),
                "index": In(config.index_width),
                "value": In(signed(config.act_width)),
                "swap": In(1),
                "hold": In(1),
                "pending": Out(1),
                "grant": In(1),
                "element": Out(element_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One memory; its top address bit tells source from destination."""
        m = Module()
        depth = self._config.act_depth
        word = struct(layout.activation(self._config))
        bank, valid = Signal(), Signal()
        filled, end = Signal(range(depth + 1)), Signal(range(depth + 1))
        read = Signal(range(depth))
        append, following = Signal(), Signal(range(depth + 1))
        m.submodules.ram = ram = BlockRam(width=word.size, depth=2 << read.shape().width)
        stored = data.View(word, ram.r_data)
        m.d.comb += [
            append.eq(self.write & (self.value != 0)),
            ram.w_en.eq(append),
            ram.w_addr.eq(Cat(filled[: len(read)], ~bank)),
            ram.w_data.eq(Cat(self.index, self.value)),
            ram.r_en.eq(self.grant),
            ram.r_addr.eq(Cat(read, bank)),
            following.eq(read + 1),
            self.element.valid.eq(valid),
            self.element.index.eq(Mux(valid, stored.index, 0)),
            self.element.value.eq(Mux(valid, stored.value, 0)),
        ]
        m.d.sync += [
            Assert(~(append & (filled == depth)), "an activation memory overflows"),
            Assert(~(self.grant & ~self.pending), "an empty activation memory is read"),
            Assert(~(self.grant & self.hold), "an activation is granted while broadcasts are held"),
        ]
        with m.If(~self.hold):
            m.d.sync += valid.eq(self.grant)
        with m.If(append):
            m.d.sync += filled.eq(filled + 1)
        with m.If(self.grant):
            # A register, because it decides in one cycle what all groups and the sequencer do.
            m.d.sync += [read.eq(following), self.pending.eq(following != end)]
        with m.If(self.swap):
            m.d.sync += [bank.eq(~bank), filled.eq(0), read.eq(0), end.eq(filled + append)]
            m.d.sync += self.pending.eq((filled != 0) | append)
        return m
