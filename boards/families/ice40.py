"""Lattice iCE40: HX and UltraPlus."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from amaranth.hdl import Instance, Module, Signal
from amaranth.lib import io

from boards.families.family import Family, Part
from boards.families.pll import MHZ, Dividers


@dataclass(frozen=True, kw_only=True)
class Ice40Dividers(Dividers):
    """SB_PLL40 with FEEDBACK_PATH "SIMPLE": out = reference / (divr+1) * (divf+1) / 2**divq.

    Limits from the iCE40 data sheets: reference and phase detector 10..133 MHz, VCO 533..1066 MHz,
    output 16..275 MHz.
    """

    divr: int
    """Reference divider - 1, 0..15."""
    divf: int
    """Feedback divider - 1, 0..127."""
    divq: int
    """Binary logarithm of the output divider, 1..6."""
    filter_range: int
    """Loop filter for the phase detector's frequency, 1..6."""

    def vco_hz(self, reference_hz: int) -> Fraction:
        """Frequency of the oscillator in the PLL."""
        return Fraction(reference_hz * (self.divf + 1), self.divr + 1)

    def output_hz(self, reference_hz: int) -> Fraction:
        """Frequency at the output."""
        return self.vco_hz(reference_hz) / (1 << self.divq)

    @classmethod
    def settings(cls, reference_hz: int) -> Iterator[Self]:
        """Every legal setting."""
        if not 10 * MHZ <= reference_hz <= 133 * MHZ:
            return
        # Highest phase detector frequency in MHz -> FILTER_RANGE, as in IceStorm's icepll.
        filters = ((17, 1), (26, 2), (44, 3), (66, 4), (101, 5), (134, 6))
        for divr in range(16):
            detector = Fraction(reference_hz, divr + 1)
            if detector < 10 * MHZ:
                return
            chosen = next(number for limit, number in filters if detector < limit * MHZ)
            for divf in range(128):
                if not 533 * MHZ <= detector * (divf + 1) <= 1066 * MHZ:
                    continue
                for divq in range(1, 7):
                    setting = cls(divr=divr, divf=divf, divq=divq, filter_range=chosen)
                    if 16 * MHZ <= setting.output_hz(reference_hz) <= 275 * MHZ:
                        yield setting

    def place(
        self,
        m: Module,
        pin: io.SingleEndedPort,
        *,
        reference_hz: int,
        pad: bool,
        clk: Signal,
        locked: Signal,
    ) -> None:
        """SB_PLL40_PAD on the PLL's own pad, else SB_PLL40_CORE behind an input buffer."""
        parameters = {
            "p_FEEDBACK_PATH": "SIMPLE",
            "p_DIVR": self.divr,
            "p_DIVF": self.divf,
            "p_DIVQ": self.divq,
            "p_FILTER_RANGE": self.filter_range,
            "i_RESETB": 1,
            "i_BYPASS": 0,
            "o_PLLOUTGLOBAL": clk,
            "o_LOCK": locked,
        }
        if pad:
            m.submodules.pll = Instance("SB_PLL40_PAD", io_PACKAGEPIN=pin.io, **parameters)
            return
        # Not io.Buffer: for a clock pin that makes a global buffer, which the PLL does not need.
        raw = Signal()
        m.submodules.buffer = Instance(
            "SB_IO", p_PIN_TYPE=0b000001, io_PACKAGE_PIN=pin.io, o_D_IN_0=raw
        )
        m.submodules.pll = Instance("SB_PLL40_CORE", i_REFERENCECLK=raw, **parameters)


ICE40 = Family(
    name="ice40",
    packer="icepack",
    routed="asc",
    bitstream="bin",
    cells={
        "lc": "ICESTORM_LC",
        "bram": "ICESTORM_RAM",
        "spram": "ICESTORM_SPRAM",
        "dsp": "ICESTORM_DSP",
    },
    synthesised={"lut": "SB_LUT4", "ff": "SB_DFF"},
    block_ram=((256, 16), (512, 8), (1024, 4), (2048, 2)),  # SB_RAM40
    pll=Ice40Dividers,
    parts={
        "iCE40HX8K": Part(
            block_rams=32, route=("--hx8k", "--package", "ct256"), speed=("-device", "hx")
        ),
        "iCE40UP5K": Part(
            block_rams=30,
            sprams=4,
            synthesis=("-dsp",),
            route=("--up5k", "--package", "sg48"),
            speed=("-device", "u"),
        ),
    },
)
