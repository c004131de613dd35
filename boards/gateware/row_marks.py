"""Marks the last activation of each row, for engines with maps."""

from amaranth.hdl import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.uart import countdown
from golden.config import EngineConfig
from rtl.layouts import input_layout


class RowMarks(wiring.Component):
    """Passes activations on, every so many of them with `row`.

    given: activations, in the order of golden.maps.grid.as_sent; their `row` is ignored.
    marked: the same, in the same cycle.
    """

    given: stream.Interface
    marked: stream.Interface

    def __init__(self, *, config: EngineConfig, items: int) -> None:
        """`items` of a row."""
        self._items = items
        super().__init__(
            {
                "given": In(stream.Signature(input_layout(config))),
                "marked": Out(stream.Signature(input_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A counter."""
        m = Module()
        left, last = countdown(self._items)
        m.d.comb += [
            self.marked.valid.eq(self.given.valid),
            self.marked.payload.eq(self.given.payload),
            self.marked.payload.row.eq(last),
            self.given.ready.eq(self.marked.ready),
        ]
        with m.If(self.given.valid & self.given.ready):
            m.d.sync += left.eq(Mux(last, self._items - 2, left - 1))
        return m
