"""The engine's clock on a board: the PLL, and the reset until it is stable."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from boards.families.pll import Dividers
from boards.families.reset import Reset

SETTLE_HZ = 66_667
"""1 / 15 us: five times as long as iCE40 block RAM reads 0 after configuration."""


class ClockGenerator(wiring.Component):
    """A PLL behind the board's oscillator.

    clk: the generated clock.
    running: low until 15 us after the PLL has locked; a register of clk, which no reset reaches.

    The parent must make the clock domain `por`: clk without a reset. Only for real platforms: a
    simulator has no model of it.
    """

    clk: Signal
    running: Signal

    def __init__(
        self, *, pll: type[Dividers], reset: Reset, reference_hz: int, output_hz: int, pad: bool
    ) -> None:
        """`pad`: the oscillator's pin is the PLL's own (iCE40)."""
        self._pad, self._reference_hz, self._output_hz = pad, reference_hz, output_hz
        self._family_reset = reset
        self.dividers = pll.find(reference_hz=reference_hz, output_hz=output_hz)
        super().__init__({"clk": Out(1), "running": Out(1)})

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
        wait = self._output_hz // SETTLE_HZ
        steady = Signal(2)
        timer = Signal(range(wait + 1))
        waited = timer == wait
        following = Mux(steady[1], Mux(waited, timer, timer + 1), 0)
        for register, value in (
            (steady, Cat(locked, steady[0])),
            (timer, following),
            (self.running, waited),
        ):
            self._family_reset.hold(m, clk=self.clk, register=register, following=value)
