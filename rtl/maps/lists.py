"""A group's memory of maps: rows of non-zero activations, the length of each in front of it."""

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format import layout
from rtl.layouts import struct
from rtl.maps.layouts import item_layout, region_width, row_layout, target_layout
from rtl.prim.delay import delayed
from rtl.prim.ram import BlockRam


class RowLists(wiring.Component):
    """One map is written while others are read, all of them row by row.

    write: append to the row that is being written.
    index: the activation's index within the row.
    value: its value, not zero.
    close: that row has ended: write its length; never with `write` (asserted).
    items: its length.
    target: where the next row goes.
    row: a row begins to be read; unless there is a hold.
    hold: nothing is read in this cycle.
    pending: there are items left in the row.
    grant: take the next one; only when pending and without hold (asserted).
    header: the row's length comes out of the memory; `1 + stages.activations` cycles without hold
        after the row began.
    item: the one that was granted so many cycles ago.
    """

    write: Signal
    index: Signal
    value: Signal
    close: Signal
    items: Signal
    target: data.View
    row: data.View
    hold: Signal
    pending: Signal
    grant: Signal
    header: Signal
    item: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "write": In(1),
                "index": In(config.index_width),
                "value": In(signed(config.act_width)),
                "close": In(1),
                "items": Out(range(config.act_depth + 1)),
                "target": In(target_layout(config)),
                "row": In(row_layout(config)),
                "hold": In(1),
                "pending": Out(1),
                "grant": In(1),
                "header": Out(1),
                "item": Out(item_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One memory; a pointer for writing, and one for each source of a layer."""
        m = Module()
        word = struct(layout.activation(self._config))
        m.submodules.ram = ram = BlockRam(width=word.size, depth=self._config.maps.depth)
        self._fill(m, ram)
        more, moves = self._config.stages.activations, ~self.hold
        read = delayed(m, ram.r_data, cycles=more, name="stored", enable=moves)
        self._read(m, ram, read)
        valid = delayed(
            m, self.grant, cycles=1 + more, name="valid", reset_less=False, enable=moves
        )
        stored = data.View(word, read)
        m.d.comb += [
            self.item.valid.eq(valid),
            self.item.index.eq(Mux(valid, stored.index, 0)),
            self.item.value.eq(Mux(valid, stored.value, 0)),
        ]
        m.d.sync += [
            Assert(~(self.grant & ~self.pending), "an empty row is read"),
            Assert(~(self.grant & self.hold), "an activation is granted while broadcasts are held"),
        ]
        return m

    def _fill(self, m: Module, ram: BlockRam) -> None:
        """Items behind a free word, which gets their number."""
        head = Signal(region_width(self._config))
        free = Signal(region_width(self._config) + 1, init=1)
        depth = self._config.maps.depth
        # When the memory is full, what is free is beyond it. The address does not wait for `write`.
        place = Mux(free >= depth, 0, free)
        m.d.comb += [
            ram.w_en.eq(self.write | self.close),
            ram.w_addr.eq(Mux(self.close, head, place)),
            ram.w_data.eq(Mux(self.close, self.items, Cat(self.index, self.value))),
        ]
        m.d.sync += [
            Assert(~(self.write & self.close), "a row goes on while it is closed"),
            Assert(~(self.write & (free >= depth)), "a map exceeds its memory"),
            Assert(~(self.write & (self.value == 0)), "a zero is written to a list"),
        ]
        with m.If(self.write):
            m.d.sync += [free.eq(free + 1), self.items.eq(self.items + 1)]
        with m.If(self.close):
            m.d.sync += [head.eq(free), free.eq(free + 1), self.items.eq(0)]
        with m.If(self.target.open):
            region = self.target.region
            m.d.sync += [head.eq(region), free.eq(region + 1), self.items.eq(0)]

    def _read(self, m: Module, ram: BlockRam, read: Value) -> None:
        """First the length, then so many items, unless the row is skipped."""
        width = region_width(self._config)
        pointers = [
            Signal(width, name=f"pointer_{number}") for number in range(self._config.maps.sources)
        ]
        at = Signal(width)
        begins = self.row.valid & ~self.hold
        for number, pointer in enumerate(pointers):
            with m.If(self.row.source == number):
                m.d.comb += at.eq(pointer)
        address = Mux(self.row.valid & self.row.begins, self.row.region, at)
        left = Signal.like(self.items)
        length = read[: len(left)]
        m.d.comb += [
            ram.r_en.eq(begins | self.grant),
            ram.r_addr.eq(address),
            self.header.eq(
                delayed(
                    m,
                    self.row.valid,
                    cycles=1 + self._config.stages.activations,
                    name="header",
                    reset_less=False,
                    enable=~self.hold,
                )
            ),
        ]
        arrives = self.header & ~self.hold
        with m.If(self.grant):
            m.d.sync += [left.eq(left - 1), self.pending.eq(left != 1)]
        with m.If(arrives):
            m.d.sync += [left.eq(length), self.pending.eq((length != 0) & ~self.row.skip)]
        for number, pointer in enumerate(pointers):
            with m.If(self.row.source == number):
                with m.If(begins | self.grant):
                    m.d.sync += pointer.eq(address + 1)
                with m.If(arrives & self.row.skip):
                    m.d.sync += pointer.eq(pointer + length)
