"""The line's speed: as asked for, and the first one again when nothing is understood any more."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.uart import DIVISOR_BITS, SHORTEST, check_divisor
from boards.link.protocol import LOST


class Speed(wiring.Component):
    """The divisor of both UARTs.

    wanted: clock cycles per bit.
    fine: `wanted` is the divisor at first, or at least SHORTEST and at most half of that.
    apply: take it now; one cycle.
    lost: a byte was lost on the line.
    whole: a frame was whole.
    divisor: of the line.

    LOST bytes lost without a whole frame between them set the divisor at first again. A zero that
    is sent at that speed is such a byte at any other: it is low for twice as long as a byte lasts.
    """

    wanted: Signal
    fine: Signal
    apply: Signal
    lost: Signal
    whole: Signal
    divisor: Signal

    def __init__(self, *, divisor: int) -> None:
        """`divisor`: at first."""
        check_divisor(divisor)
        self._first = divisor
        super().__init__(
            {
                "wanted": In(16),
                "fine": Out(1),
                **{name: In(1) for name in ("apply", "lost", "whole")},
                "divisor": Out(DIVISOR_BITS, init=divisor),  # pyright: ignore[reportCallIssue]
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A register and a counter."""
        m = Module()
        losses = Signal(range(LOST))
        faster = (self.wanted >= SHORTEST) & (self.wanted <= self._first // 2)
        m.d.comb += self.fine.eq((self.wanted == self._first) | faster)
        with m.If(self.lost):
            m.d.sync += losses.eq(losses + 1)
            with m.If(losses == LOST - 1):
                m.d.sync += self.divisor.eq(self._first)
        with m.If(self.whole):
            m.d.sync += losses.eq(0)
        with m.If(self.apply):
            m.d.sync += [self.divisor.eq(self.wanted), losses.eq(0)]
        return m
