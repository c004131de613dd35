"""The design with a board's pins and clock around it."""

from typing import Any, Protocol

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Module, Signal
from amaranth.lib import io

from boards.clock import ClockGenerator
from boards.link.protocol import Loads
from boards.registry import Board
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network


class Design(Protocol):
    """What can be built for a board; boards.gateware.top.BoardTop for example."""

    rx: Signal
    """Serial line from the host, asynchronous."""
    tx: Signal
    """Serial line to the host."""
    busy: Signal
    """For an LED."""
    network: Network | None
    """For the report; None for a generic bitstream."""
    config: EngineConfig
    """The engine."""
    loads: Loads
    """What a host must load."""

    def elaborate(self, platform: object) -> Module:
        """The hardware."""
        ...


class PlatformTop(Elaboratable):
    """Connects a design to a board's serial port, LED and clock.

    Without a PLL, if the clock is the oscillator's, Amaranth's platform makes the `sync` domain and
    its reset.
    """

    def __init__(self, *, top: Design, board: Board) -> None:
        """`board`: whose pins; `top` must be made with its `divisor()`."""
        self._top, self._board = top, board

    def elaborate(self, platform: Any) -> Module:
        """Buffers for the pins, the clock domains, and the design."""
        m = Module()
        top = self._top
        m.submodules.design = top
        uart = platform.request(*self._board.uart, dir="-")
        led = platform.request(*self._board.led[:2], dir="-")
        for name in self._board.led[2:]:
            led = getattr(led, name)
        m.submodules.rx_buffer = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx_buffer = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.submodules.led_buffer = light = io.Buffer(io.Direction.Output, led)
        m.d.comb += [top.rx.eq(rx.i), tx.o.eq(top.tx), light.o.eq(top.busy)]
        self._clock(m, platform)
        return m

    def _clock(self, m: Module, platform: Any) -> None:
        """Domains `sync` and, for the reset, `por`; nothing if the oscillator's clock is used."""
        reference_hz = round(platform.default_clk_frequency)
        if reference_hz == self._board.clock_hz:
            return
        family = self._board.family
        if family.pll is None:
            raise ElsieError(
                f"board {self._board.name}: no PLL of {family.name} is known, so its "
                f"clock_mhz must be the oscillator's {reference_hz / 1e6:g}"
            )
        m.submodules.clock = clock = ClockGenerator(
            pll=family.pll,
            reset=family.reset,
            reference_hz=reference_hz,
            output_hz=self._board.clock_hz,
            pad=self._board.pll_pad,
        )
        m.domains.por = ClockDomain("por", reset_less=True)
        m.d.comb += ClockSignal("por").eq(clock.clk)
        family.reset.domain(m, clk=clock.clk, running=clock.running)
