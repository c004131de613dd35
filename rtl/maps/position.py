"""From an item's index to its place among the columns, and to its base (docs/convolution.md)."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import element_layout
from rtl.maps.layouts import item_layout, reading_layout


class PositionUnit(wiring.Component):
    """The lower `shift` bits of an index are the place; the others lead to the base.

    item: of a group's list.
    reading: how its map is read; steady while its items pass.
    hold: nothing moves on in this cycle.
    element: the item, a cycle without hold later.
    """

    item: data.View
    reading: data.View
    hold: Signal
    element: data.View

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "item": In(item_layout(config)),
                "reading": In(reading_layout(config)),
                "hold": In(1),
                "element": Out(element_layout(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A mask, two shifts and an addition."""
        m = Module()
        index, reading, width = self.item.index, self.reading, self._config.index_width
        mask = Signal(width)
        base = Signal(self.element.base.shape())
        m.d.comb += mask.eq((1 << reading.shift) - 1)
        with m.If(self.item.valid & ~reading.still):
            m.d.comb += base.eq(((index >> reading.shift) << reading.more) + reading.first)
        with m.If(~self.hold):
            m.d.sync += [
                self.element.valid.eq(self.item.valid),
                self.element.index.eq(Mux(reading.shift >= width, index, index & mask)),
                self.element.base.eq(base),
                self.element.value.eq(self.item.value),
            ]
        return m
