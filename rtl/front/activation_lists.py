"""Activation memory of a PE group with cells: many lists of non-zero activations.

As in rtl/front/activation_memory.py zeros are dropped when an activation is written. But what is
fed back into a layer must last until the next step, and each stream has its own.
"""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import begin_layout, element_layout, struct
from rtl.prim.ram import BlockRam, LutRam


class ActivationLists(wiring.Component):
    """`act_lists` lists; one is written while one or two others are read.

    write, index, value: append to the list that is being written, unless the value is zero. target:
    its number. close: it ends with what is written in this cycle; the next one begins empty. begin,
    lists: read these lists from the next cycle on, source first; what is left of others is dropped.
    pending, hold, grant, element: as in rtl.front.activation_memory; element.back tells the lists
    apart.
    """

    LATENCY = 1
    """From grant to element."""

    write: Signal
    index: Signal
    value: Signal
    target: Signal
    close: Signal
    begin: Signal
    lists: data.View
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
                "target": In(config.list_width),
                "close": In(1),
                "begin": In(1),
                "lists": In(begin_layout(config)),
                "hold": In(1),
                "pending": Out(1),
                "grant": In(1),
                "element": Out(element_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One memory; the upper address bits are the list's number."""
        m = Module()
        config = self._config
        word = struct(layout.activation(config))
        bits = bits_for(config.list_depth - 1)
        m.submodules.ram = ram = BlockRam(
            width=word.size, depth=config.act_lists * config.list_depth
        )
        stored = data.View(word, ram.r_data)
        append, valid, back = Signal(), Signal(), Signal()
        filled, end = Signal(range(config.act_depth + 1)), Signal(range(config.act_depth + 1))
        m.d.comb += [
            append.eq(self.write & (self.value != 0)),
            end.eq(filled + append),
            ram.w_en.eq(append),
            ram.w_addr.eq(Cat(filled[:bits], self.target)),
            ram.w_data.eq(Cat(self.index, self.value)),
            self.element.valid.eq(valid),
            self.element.back.eq(back),
            self.element.index.eq(Mux(valid, stored.index, 0)),
            self.element.value.eq(Mux(valid, stored.value, 0)),
        ]
        m.d.sync += [
            filled.eq(Mux(self.close, 0, end)),
            Assert(~(append & (filled == config.act_depth)), "an activation list overflows"),
        ]
        second = self._read(m, ram, bits, *self._lengths(m, end, (filled != 0) | append))
        with m.If(~self.hold):
            m.d.sync += [valid.eq(self.grant), back.eq(self.grant & second)]
        return m

    def _lengths(self, m: Module, end: Signal, some: Value) -> tuple[list[Signal], list[Signal]]:
        """Lengths of the lists that may begin, source and back; the one that ends just now too.

        And whether they are not 0, apart, for that decides what follows and the sum `end` is late.
        """
        found, filled = [], []
        for name, number in (("source", self.lists.source), ("back", self.lists.back)):
            m.submodules[f"length_{name}"] = lengths = LutRam(
                # Also for numbers of no list, which are asked for between phases.
                width=len(end),
                depth=1 << self._config.list_width,
            )
            length, any_ = Signal.like(end, name=f"length_{name}"), Signal(name=f"any_{name}")
            now = self.close & (self.target == number)
            m.d.comb += [
                lengths.w_en.eq(self.close),
                lengths.w_addr.eq(self.target),
                lengths.w_data.eq(end),
                lengths.r_addr.eq(number),
                length.eq(Mux(now, end, lengths.r_data)),
                any_.eq(Mux(now, some, lengths.r_data != 0)),
            ]
            found.append(length)
            filled.append(any_)
        return found, filled

    def _read(
        self, m: Module, ram: BlockRam, bits: int, lengths: list[Signal], filled: list[Signal]
    ) -> Signal:
        """One list after the other; whether the second is being read."""
        config = self._config
        read, following = Signal(bits), Signal(range(config.act_depth + 1))
        length, length_back = Signal.like(lengths[0]), Signal.like(lengths[1])
        number, number_back = Signal(config.list_width), Signal(config.list_width)
        second, more = Signal(), Signal()
        some, some_back = filled[0], filled[1] & self.lists.fed_back
        m.d.comb += [
            ram.r_en.eq(self.grant),
            ram.r_addr.eq(Cat(read, Mux(second, number_back, number))),
            following.eq(read + 1),
        ]
        m.d.sync += [
            Assert(~(self.grant & ~self.pending), "an empty activation list is read"),
            Assert(~(self.grant & self.hold), "an activation is granted while broadcasts are held"),
        ]
        with m.If(self.grant):
            m.d.sync += read.eq(following)
            with m.If(following == Mux(second, length_back, length)):
                # A register, because it decides in one cycle what all groups do.
                m.d.sync += [self.pending.eq(more), second.eq(1), more.eq(0), read.eq(0)]
        with m.If(self.begin):
            m.d.sync += [
                read.eq(0),
                number.eq(self.lists.source),
                length.eq(lengths[0]),
                number_back.eq(self.lists.back),
                length_back.eq(lengths[1]),
                second.eq(~some),
                more.eq(some & some_back),
                self.pending.eq(some | some_back),
            ]
        return second
