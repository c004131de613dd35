"""A group's part of the maps: rows are written, read, and sent to all groups or to its own PEs."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import broadcast_layout, element_layout
from rtl.maps.layouts import reading_layout, row_layout, target_layout
from rtl.maps.lists import RowLists
from rtl.maps.position import PositionUnit
from rtl.prim.delay import delayed


class RowFront(wiring.Component):
    """In front of the collector, and for rows whose items stay in the group beside it.

    write: append to the row that is being written.
    index: the activation's index within the row.
    value: its value, not zero.
    close: that row has ended; never with `write`.
    target: where the next row goes.
    row: a row begins to be read.
    hold: nothing moves on.
    pending: there are items left in the row.
    grant: take the next one.
    element: that one, 2 cycles without hold later, or 3; nothing where rows are local.
    arriving: a broadcast from the collector, or a token.
    taken: that, or a broadcast of the group's own; valid with a token too.
    own: a broadcast of the group's own, in the cycle of the collector's.
    items: length of the row that is being written.
    """

    write: Signal
    index: Signal
    value: Signal
    close: Signal
    target: data.View
    row: data.View
    hold: Signal
    pending: Signal
    grant: Signal
    element: data.View
    arriving: data.View
    taken: data.View
    own: data.View
    items: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Depth and widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "write": In(1),
                "index": In(config.index_width),
                "value": In(signed(config.act_width)),
                "close": In(1),
                "target": In(target_layout(config)),
                "row": In(row_layout(config)),
                "hold": In(1),
                "pending": Out(1),
                "grant": In(1),
                "element": Out(element_layout(config)),
                "arriving": In(broadcast_layout(config)),
                "taken": Out(broadcast_layout(config)),
                "own": Out(broadcast_layout(config)),
                "items": Out(range(config.act_depth + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The lists, and the ways out of them."""
        m = Module()
        config = self._config
        m.submodules.lists = lists = RowLists(config=config)
        m.submodules.position = position = PositionUnit(config=config)
        m.d.comb += [
            lists.write.eq(self.write),
            lists.index.eq(self.index),
            lists.value.eq(self.value),
            lists.close.eq(self.close),
            lists.target.eq(self.target),
            lists.row.eq(self.row),
            lists.hold.eq(self.hold),
            lists.grant.eq(self.grant),
            self.pending.eq(lists.pending),
            self.items.eq(lists.items),
        ]
        reading = Signal(reading_layout(config))
        with m.If(lists.header & ~self.hold):
            m.d.sync += reading.eq(self.row.reading)
        m.d.comb += [
            position.item.eq(lists.item),
            position.reading.eq(reading),
            position.hold.eq(self.hold),
            self.element.eq(Mux(reading.local, 0, position.element)),
        ]
        self._own(m, position.element, reading)
        return m

    def _own(self, m: Module, element: data.View, reading: data.View) -> None:
        """With its column to this group's PEs, as late as it would come from the collector."""
        config, moves = self._config, ~self.hold
        own = Signal(broadcast_layout(config))
        with m.If(moves):
            m.d.sync += [
                own.valid.eq(element.valid & reading.local),
                own.column.eq(reading.column + element.index),
                own.beside.base.eq(element.base),
                own.value.eq(element.value),
            ]
        levels, far = config.collector_levels, max(0, config.broadcast_stages - 1)
        late = delayed(m, own, cycles=levels, name="own", reset_less=False, enable=moves)
        sent = delayed(m, late, cycles=far, name="far", reset_less=False, enable=moves)
        m.d.comb += [
            self.own.eq(late),
            self.taken.eq(Mux(sent.valid, sent, self.arriving)),
            self.taken.valid.eq(sent.valid | self.arriving.valid | self.arriving.beside.token),
        ]
