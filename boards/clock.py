"""The engine's clock on a board: the PLL, and the reset until it is stable."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from boards.families.pll import Dividers

SETTLE_HZ = 66_667
"""1 / 15 us: five times as long as iCE40 block RAM reads 0 after configuration."""


class ClockGenerator(wiring.Component):
    """A PLL behind the board's oscillator.

    clk: the generated clock.
    rst: high until 15 us after the PLL has locked; synchronous to clk.

    The parent must make the clock domain `por`: clk without a reset. Only for real platforms: a
    simulator has no model of it.
    """

    clk: Signal
    rst: Signal

    def __init__(
        self, *, pll: type[Dividers], reference_hz: int, output_hz: int, pad: bool
    ) -> None:
        """`pad`: the oscillator's pin is the PLL's own (iCE40)."""
        self._pad, self._reference_hz, self._output_hz = pad, reference_hz, output_hz
        self.dividers = pll.find(reference_hz=reference_hz, output_hz=output_hz)
        rst = Out(1, init=1)  # pyright: ignore[reportCallIssue]
        super().__init__({"clk": Out(1), "rst": rst})

    def elaborate(self, platform: Any) -> Module:
        """The family's PLL and the reset counter."""
        m = Module()
        pin = platform.request(platform.default_clk, dir="-")
        locked = Signal()
        # A kept name of its own, so that the constraint finds its net after flattening.
        generated = Signal(attrs={"keep": "true"})
        platform.add_clock_constraint(generated, self._output_hz)
        m.d.comb += self.clk.eq(generated)
        self.dividers.place(
            m, pin, reference_hz=self._reference_hz, pad=self._pad, clk=generated, locked=locked
        )
        self._reset(m, locked)
        return m

    def _reset(self, m: Module, locked: Signal) -> None:
        """Lock is asynchronous; a counter that it clears bridges its bounces."""
        steady = Signal(2)
        wait = self._output_hz // SETTLE_HZ
        timer = Signal(range(wait + 1))
        m.d.por += [steady.eq(steady << 1 | locked), self.rst.eq(timer != wait)]
        with m.If(~steady[1]):
            m.d.por += timer.eq(0)
        with m.Elif(timer != wait):
            m.d.por += timer.eq(timer + 1)
