"""The engine's clock on a board: the PLL, and the reset until it is stable."""

from typing import Any

from amaranth.hdl import Instance, Module, Signal, Value
from amaranth.lib import io, wiring
from amaranth.lib.wiring import Out

from boards.pll import Ecp5Dividers, Ice40Dividers, find_dividers

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

    def __init__(self, *, family: str, reference_hz: int, output_hz: int, pad: bool) -> None:
        """`pad`: the oscillator's pin is the PLL's own pad (iCE40 SB_PLL40_PAD)."""
        self._family, self._pad = family, pad
        self._reference_hz, self._output_hz = reference_hz, output_hz
        self.dividers = find_dividers(family, reference_hz=reference_hz, output_hz=output_hz)
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
        if isinstance(self.dividers, Ice40Dividers):
            m.submodules.pll = self._ice40(m, self.dividers, pin, generated, locked)
        else:
            m.submodules.buffer = buffer = io.Buffer(io.Direction.Input, pin)
            m.submodules.pll = self._ecp5(self.dividers, buffer.i, generated, locked)
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

    def _ice40(
        self,
        m: Module,
        dividers: Ice40Dividers,
        pin: io.SingleEndedPort,
        generated: Signal,
        locked: Signal,
    ) -> Instance:
        """SB_PLL40_PAD on the PLL's own pad, else SB_PLL40_CORE behind an input buffer."""
        parameters = {
            "p_FEEDBACK_PATH": "SIMPLE",
            "p_DIVR": dividers.divr,
            "p_DIVF": dividers.divf,
            "p_DIVQ": dividers.divq,
            "p_FILTER_RANGE": dividers.filter_range,
            "i_RESETB": 1,
            "i_BYPASS": 0,
            "o_PLLOUTGLOBAL": generated,
            "o_LOCK": locked,
        }
        if self._pad:
            return Instance("SB_PLL40_PAD", io_PACKAGEPIN=pin.io, **parameters)
        # Not io.Buffer: for a clock pin that makes a global buffer, which the PLL does not need.
        raw = Signal()
        m.submodules.buffer = Instance(
            "SB_IO", p_PIN_TYPE=0b000001, io_PACKAGE_PIN=pin.io, o_D_IN_0=raw
        )
        return Instance("SB_PLL40_CORE", i_REFERENCECLK=raw, **parameters)

    def _ecp5(
        self, dividers: Ecp5Dividers, reference: Value, generated: Signal, locked: Signal
    ) -> Instance:
        """EHXPLLL; the loop filter's attributes are those of Project Trellis' ecppll."""
        feedback = Signal()
        return Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{self._reference_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOS=f"{self._output_hz / 1e6:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_OUTDIVIDER_MUXB="DIVB",
            p_OUTDIVIDER_MUXC="DIVC",
            p_OUTDIVIDER_MUXD="DIVD",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=dividers.clki,
            p_CLKFB_DIV=dividers.clkfb,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=dividers.clkop,
            p_CLKOP_CPHASE=dividers.clkop - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=dividers.clkos,
            p_CLKOS_CPHASE=dividers.clkos - 1,
            p_CLKOS_FPHASE=0,
            i_CLKI=reference,
            i_CLKFB=feedback,
            i_RST=0,
            i_STDBY=0,
            i_PHASESEL0=0,
            i_PHASESEL1=0,
            i_PHASEDIR=1,
            i_PHASESTEP=1,
            i_PHASELOADREG=1,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
            o_CLKOP=feedback,
            o_CLKOS=generated,
            o_LOCK=locked,
        )
