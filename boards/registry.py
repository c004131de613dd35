"""The boards: their Amaranth platforms, serial ports, LEDs and clocks."""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.build import Attrs, TemplatedPlatform
from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform
from amaranth_boards.icebreaker import ICEBreakerPlatform
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_85FPlatform
from amaranth_boards.resources import UARTResource
from amaranth_boards.ulx3s import ULX3S_85F_Platform

from boards.gateware.uart import SHORTEST
from golden import presets
from golden.errors import ElsieError


@dataclass(frozen=True, kw_only=True)
class Board:
    """Everything needed to put a design on a board."""

    preset: presets.Preset
    """Name, part, family and clock, from golden.presets."""
    platform: Callable[[], TemplatedPlatform]
    """Makes a fresh platform: one builds only once."""
    uart: tuple[str, int]
    """Resource of the serial port to the host."""
    led: tuple[str, ...]
    """Resource name, number and, if it has several colours, the colour of the busy LED."""
    pll_pad: bool = False
    """iCE40: the oscillator is on the PLL's own pad."""
    baud: int = 115_200
    """Speed of the serial port."""

    @property
    def name(self) -> str:
        """Name, as given to --board."""
        return self.preset.board

    @property
    def family(self) -> str:
        """'ice40' or 'ecp5'."""
        return self.preset.family

    @property
    def clock_hz(self) -> int:
        """The engine's clock."""
        return round(self.preset.clock_mhz * 1_000_000)

    def divisor(self, baud: int | None = None) -> int:
        """Clock cycles per bit of the serial port; off by at most 1 %, or ElsieError."""
        baud = self.baud if baud is None else baud
        divisor = round(self.clock_hz / baud)
        if divisor < SHORTEST or abs(divisor * baud - self.clock_hz) > self.clock_hz // 100:
            raise ElsieError(
                f"board {self.name}: {baud} baud cannot be made from {self.preset.clock_mhz:g} "
                f"MHz; choose {self.clock_hz // SHORTEST} or less, such as {self.baud}"
            )
        return divisor


def _orangecrab() -> TemplatedPlatform:
    """OrangeCrab with a serial port on its pins 0 (rx) and 1 (tx)."""
    platform = OrangeCrabR0_2_85FPlatform()
    pull_up = Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
    platform.add_resources([UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=pull_up)])
    return platform


def _board(
    name: str,
    platform: Callable[[], TemplatedPlatform],
    *,
    led: tuple = ("led", 0),
    pll_pad: bool = False,
) -> Board:
    return Board(
        preset=presets.find(name), platform=platform, uart=("uart", 0), led=led, pll_pad=pll_pad
    )


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        _board("icebreaker", ICEBreakerPlatform, pll_pad=True),
        _board("hx8k", ICE40HX8KBEVNPlatform),
        _board("ulx3s-85f", ULX3S_85F_Platform),
        _board("orangecrab-85f", _orangecrab, led=("rgb_led", 0, "g")),
    )
}


def find(board: str) -> Board:
    """The board of that name. Raises ElsieError listing the boards."""
    if board not in BOARDS:
        raise ElsieError(f"no board {board!r}; there are {', '.join(BOARDS)}")
    return BOARDS[board]
