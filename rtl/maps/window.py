"""Maximum pooling: the largest activation of a window, as they come one after the other."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig


class Window(wiring.Component):
    """Remembers the largest one so far.

    opens: this one is a window's first.
    value: an activation.
    largest: of the window up to this one, in the same cycle.
    some: that one is not zero.
    """

    opens: Signal
    value: Signal
    largest: Signal
    some: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        shape = signed(config.act_width)
        super().__init__(
            {"opens": In(1), "value": In(shape), "largest": Out(shape), "some": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """A register and a comparison; beside it, which of the two are zero."""
        m = Module()
        best = Signal.like(self.largest)
        had = Signal()
        better = self.opens | (self.value > best)
        m.d.comb += [
            self.largest.eq(Mux(better, self.value, best)),
            # Not from `largest`: a list's memory and counters wait for it.
            self.some.eq(Mux(better, self.value != 0, had)),
        ]
        m.d.sync += [best.eq(self.largest), had.eq(self.some)]
        return m
