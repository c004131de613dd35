"""Activation memory of a PE group, with leading non-zero detection (EIE, section 4, "LNZD").

EIE stores activations dense and scans for the next non-zero one when it reads them, many at a time.
Here zeros are dropped when they are written. So a read finds a non-zero activation every cycle, and
zero activations cost neither time nor memory (docs/engine.md).
"""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from golden.kinds import bits_for
from rtl.layouts import begin_layout, element_layout, struct
from rtl.prim.delay import delayed
from rtl.prim.ram import BlockRam, LutRam


class ActivationLists(wiring.Component):
    """Lists of non-zero activations; one is written while others are read.

    Without cells there are two, source and destination, which swap at each `begin`. With
    cells there are `act_lists`, because what is fed back must last until the next step, and each
    stream has its own.

    write: append to the list that is being written, unless the value is zero; with `stages.store`
        it never is.
    index: the activation's index within the group.
    value: its value.
    begin: read from the next cycle on; the rest of other lists is dropped.
    hold: no broadcast moves in this cycle.
    pending: there are elements left.
    more: there are at least two, from the second cycle after `begin` on; only with `stages.grant`.
    grant: take the next one; only when pending and without hold (asserted).
    element: the one granted in the last cycle without hold, or with `stages.activations` in the one
        before; all zero if there was none.

    With cells:

    target: number of the list that is being written.
    close: it ends with this cycle's write; the next one begins empty.
    lists: what to read, source first; `element.back` tells the lists apart.
    """

    write: Signal
    index: Signal
    value: Signal
    begin: Signal
    hold: Signal
    pending: Signal
    more: Signal
    grant: Signal
    element: data.View
    target: Signal
    close: Signal
    lists: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth and widths come from `config`."""
        self._config = config
        cells = {
            "target": In(config.list_width),
            "close": In(1),
            "lists": In(begin_layout(config)),
        }
        super().__init__(
            {
                "write": In(1),
                "index": In(config.index_width),
                "value": In(signed(config.act_width)),
                "begin": In(1),
                "hold": In(1),
                "pending": Out(1),
                **({"more": Out(1)} if config.stages.grant else {}),
                "grant": In(1),
                "element": Out(element_layout(config)),
                **(cells if config.cells else {}),
            }
        )

    @staticmethod
    def latency(config: EngineConfig) -> int:
        """From grant to element."""
        return 1 + config.stages.activations

    def elaborate(self, platform: object) -> Module:
        """One memory; the upper address bits are the list's number."""
        m = Module()
        config = self._config
        word = struct(layout.activation(config))
        bits = bits_for(config.list_depth - 1)
        m.submodules.ram = ram = BlockRam(
            width=word.size, depth=config.act_lists * config.list_depth
        )
        more = config.stages.activations
        read_data = delayed(m, ram.r_data, cycles=more, name="stored", enable=~self.hold)
        stored = data.View(word, read_data)
        append = Signal()
        valid = Signal()
        filled = Signal(range(config.act_depth + 1))
        end = Signal(range(config.act_depth + 1))
        m.d.comb += [
            append.eq(self.write if config.stages.store else self.write & (self.value != 0)),
            end.eq(filled + append),
            ram.w_en.eq(append),
            ram.w_data.eq(Cat(self.index, self.value)),
            ram.r_en.eq(self.grant),
        ]
        here = delayed(m, valid, cycles=more, name="valid", reset_less=False, enable=~self.hold)
        m.d.comb += [
            self.element.valid.eq(here),
            self.element.index.eq(Mux(here, stored.index, 0)),
            self.element.value.eq(Mux(here, stored.value, 0)),
        ]
        m.d.sync += [
            filled.eq(Mux(self.close if config.cells else self.begin, 0, end)),
            Assert(~(append & (filled == config.act_depth)), "an activation list overflows"),
            Assert(~(self.grant & ~self.pending), "an empty activation list is read"),
            Assert(~(self.grant & self.hold), "an activation is granted while broadcasts are held"),
        ]
        some = (filled != 0) | append
        read = Signal(bits)
        following = Signal(range(config.act_depth + 1))
        m.d.comb += following.eq(read + 1)
        with m.If(~self.hold):
            m.d.sync += valid.eq(self.grant)
        with m.If(self.grant):
            m.d.sync += read.eq(following)
        if config.cells:
            source, target = self._many(m, read, following, end, some), self.target
        else:
            source, target = self._two(m, read, following, end, some)
        m.d.comb += [
            ram.r_addr.eq(Cat(read, source)),
            ram.w_addr.eq(Cat(filled[:bits], target)),
        ]
        return m

    def _two(
        self, m: Module, read: Signal, following: Signal, end: Signal, some: Value
    ) -> tuple[Signal, Value]:
        """The list written last is read next; numbers of source and destination."""
        bank = Signal()
        length = Signal.like(end)
        stays = following != length
        if self._config.stages.grant:
            left = self._left(m, self.grant, begin=end, name="left")
            stays = left != 1
            m.d.sync += self.more.eq(Mux(self.grant, left > 2, left > 1))
        with m.If(self.grant):
            # A register, because it decides in one cycle what all groups and the sequencer do.
            m.d.sync += self.pending.eq(stays)
        with m.If(self.begin):
            m.d.sync += [bank.eq(~bank), read.eq(0), length.eq(end), self.pending.eq(some)]
        return bank, ~bank

    def _left(self, m: Module, taken: Value, *, begin: Value, name: str) -> Signal:
        """How many elements of a list are left: a counter, as comparing addresses takes longer."""
        left = Signal(range(self._config.act_depth + 1), name=name)
        with m.If(taken):
            m.d.sync += left.eq(left - 1)
        with m.If(self.begin):
            m.d.sync += left.eq(begin)
        return left

    def _many(self, m: Module, read: Signal, following: Signal, end: Signal, some: Value) -> Value:
        """One list after the other; the number of the one that is read."""
        config = self._config
        lengths, filled = self._lengths(m, end, some)
        length = Signal.like(lengths[0])
        length_back = Signal.like(lengths[1])
        number = Signal(config.list_width)
        number_back = Signal(config.list_width)
        second = Signal()
        more = Signal()
        back = Signal()
        source, fed_back = filled[0], filled[1] & self.lists.fed_back
        m.d.comb += self.element.back.eq(
            delayed(
                m,
                back,
                cycles=config.stages.activations,
                name="back",
                reset_less=False,
                enable=~self.hold,
            )
        )
        with m.If(~self.hold):
            m.d.sync += back.eq(self.grant & second)
        ends = following == Mux(second, length_back, length)
        if config.stages.grant:
            first = self._left(m, self.grant & ~second, begin=lengths[0], name="left")
            last = self._left(m, self.grant & second, begin=lengths[1], name="left_back")
            left = Mux(second, last, first)
            some_left = Mux(self.grant, left > 2, left > 1)
            m.d.sync += self.more.eq(self.pending & (more | some_left))
            ends = left == 1
        with m.If(self.grant & ends):
            # A register, because it decides in one cycle what all groups do.
            m.d.sync += [self.pending.eq(more), second.eq(1), more.eq(0), read.eq(0)]
            if config.stages.grant:
                m.d.sync += self.more.eq(more & (length_back != 1))
        with m.If(self.begin):
            m.d.sync += [
                read.eq(0),
                number.eq(self.lists.source),
                length.eq(lengths[0]),
                number_back.eq(self.lists.back),
                length_back.eq(lengths[1]),
                second.eq(~source),
                more.eq(source & fed_back),
                self.pending.eq(source | fed_back),
            ]
        return Mux(second, number_back, number)

    def _lengths(self, m: Module, end: Signal, some: Value) -> tuple[list[Signal], list[Signal]]:
        """Lengths of the lists that may begin, source and back, including one that is just ending.

        Also whether they are not 0, separately: that decides what follows, and the sum `end` is
        late.
        """
        found, filled = [], []
        for name, number in (("source", self.lists.source), ("back", self.lists.back)):
            m.submodules[f"length_{name}"] = lengths = LutRam(
                # Also for numbers of no list, which come up between phases.
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
