"""The boards: a board of a known family is one entry here."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from amaranth.build import Attrs, TemplatedPlatform
from amaranth_boards.resources import UARTResource

from boards.families.family import Family
from boards.families.registry import family_of
from boards.gateware.uart import SHORTEST
from golden.config import EngineConfig
from golden.errors import ArgumentError, ElsieError
from golden.presets import Preset
from golden.stages import SETS

LINK_RAMS = 2
"""Block RAMs of the host link, on any family: requests that wait, and the answer."""


@dataclass(frozen=True, kw_only=True)
class Loader:
    """How openFPGALoader loads a board."""

    board: str
    """Its name for the board."""
    forgets: bool
    """It loads the FPGA itself, until power is off, unless asked to write the board's flash memory;
    else it always writes that."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """Everything needed to compile for a board and to put a design on it."""

    name: str
    """Name, as given to --board."""
    title: str
    """What is printed on the board."""
    part: str
    """The FPGA, one of boards.families."""
    clock_mhz: float
    """The clock the engine must meet on this board."""
    engine: EngineConfig
    """Shape of the engine; the compiler sets the memory depths, run and accumulator widths."""
    loader: Loader
    """What loads its bitstream."""
    platform: Callable[[], TemplatedPlatform]
    """Makes a fresh platform: one builds only once."""
    uart: tuple[str, int] = ("uart", 0)
    """Resource of the serial port to the host."""
    led: tuple[str, int] | tuple[str, int, str] = ("led", 0)
    """Resource name, number and, if it has several colours, the colour of the busy LED."""
    pll_pad: bool = False
    """iCE40: the oscillator is on the PLL's own pad."""
    baud: int = 115_200
    """Speed of the serial port."""

    @property
    def family(self) -> Family:
        """The part's family. Raises ElsieError for an unknown part."""
        return family_of(self.part)

    @property
    def preset(self) -> Preset:
        """What the compiler needs to know."""
        family = self.family
        part = family.parts[self.part]
        return Preset(
            board=self.name,
            title=self.title,
            family=family.name,
            device=self.part,
            block_ram=family.block_ram,
            block_rams=part.block_rams,
            link_rams=LINK_RAMS,
            sprams=part.sprams,
            clock_mhz=self.clock_mhz,
            base=self.engine,
        )

    @property
    def clock_hz(self) -> int:
        """The engine's clock."""
        return round(self.clock_mhz * 1_000_000)

    def at(self, clock_mhz: float | None) -> "Board":
        """The same board with another clock, or as it is for None.

        Raises ElsieError for what is no clock, and for one that the PLL cannot make.
        """
        if clock_mhz is None:
            return self
        if not (isinstance(clock_mhz, float | int) and 1 <= clock_mhz <= 1000):
            raise ArgumentError(f"`clock` must be from 1 to 1000 MHz, not {clock_mhz}")
        board = replace(self, clock_mhz=float(clock_mhz))
        oscillator = round(self.platform().default_clk_frequency)
        if self.family.pll is not None and board.clock_hz != oscillator:
            try:
                self.family.pll.find(reference_hz=oscillator, output_hz=board.clock_hz)
            except ElsieError as error:
                raise ElsieError(f"board {self.name}: {error}") from None
        return board

    def divisor(self, baud: int | None = None) -> int:
        """Clock cycles per bit of the serial port; off by at most 1 %, or ElsieError."""
        baud = self.baud if baud is None else baud
        divisor = round(self.clock_hz / baud)
        if divisor < SHORTEST or abs(divisor * baud - self.clock_hz) > self.clock_hz // 100:
            raise ElsieError(
                f"board {self.name}: {baud} baud cannot be made from {self.clock_mhz:g} "
                f"MHz; choose {self.clock_hz // SHORTEST} or less, such as {self.baud}"
            )
        return divisor


def _vendor(module: str, name: str) -> Callable[[], TemplatedPlatform]:
    """A platform of amaranth_boards, imported when it is first made: there are many."""
    return lambda: getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()


def _orangecrab() -> TemplatedPlatform:
    """OrangeCrab with a serial port on its pins 0 (rx) and 1 (tx)."""
    platform = _vendor("orangecrab_r0_2", "OrangeCrabR0_2_85FPlatform")()
    pull_up = Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
    platform.add_resources([UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=pull_up)])
    return platform


_SMALL = EngineConfig(pes=4, group=2, queue_depth=8, act_width=8)
_LARGE = EngineConfig(pes=16, group=4, queue_depth=16, act_width=16)
# Registers pay where they win more time by the clock than they cost in cycles (docs/boards.md).
_FAST = _LARGE.replace(entry_stages=2, multiplier_stages=3, stages=SETS["elastic"])

BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            name="icebreaker",
            title="1BitSquared iCEBreaker",
            part="iCE40UP5K",
            # With the host link, place and route got 34 to 36 MHz (docs/boards.md).
            clock_mhz=30.0,
            engine=_SMALL,
            loader=Loader(board="ice40_generic", forgets=False),
            platform=_vendor("icebreaker", "ICEBreakerPlatform"),
            pll_pad=True,
        ),
        Board(
            name="hx8k",
            title="Lattice iCE40-HX8K breakout",
            part="iCE40HX8K",
            clock_mhz=72.0,
            engine=_SMALL,
            loader=Loader(board="ice40_generic", forgets=False),
            platform=_vendor("ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform"),
        ),
        Board(
            name="ulx3s-85f",
            title="Radiona ULX3S 85F",
            part="LFE5U-85F",
            clock_mhz=110.0,
            engine=_FAST,
            loader=Loader(board="ulx3s", forgets=True),
            platform=_vendor("ulx3s", "ULX3S_85F_Platform"),
        ),
        Board(
            name="orangecrab-85f",
            title="OrangeCrab r0.2 85F",
            part="LFE5U-85F",
            clock_mhz=48.0,
            engine=_LARGE,
            loader=Loader(board="orangeCrab", forgets=False),
            platform=_orangecrab,
            led=("rgb_led", 0, "g"),
        ),
    )
}


def find(board: str) -> Board:
    """The board of that name. Raises ElsieError listing the boards."""
    if board not in BOARDS:
        raise ElsieError(f"no board {board!r}; there are {', '.join(BOARDS)}")
    return BOARDS[board]
