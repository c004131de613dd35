"""Lattice ECP5."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Signal, ValueLike
from amaranth.lib import io

from boards.families.family import Family, Part
from boards.families.output_registers import absorb
from boards.families.pll import MHZ, Dividers
from boards.families.reset import Reset


@dataclass(frozen=True, kw_only=True)
class Ecp5Dividers(Dividers):
    """EHXPLLL with feedback from CLKOP and the output on CLKOS.

    VCO = reference / clki * clkfb * clkop; out = VCO / clkos. CLKOP is used only for the
    feedback, so the output can divide the VCO by any number. Limits from the ECP5 data sheet:
    reference 8..400 MHz, phase detector 10..400 MHz, VCO 400..800 MHz, output 3.125..400 MHz.
    """

    clki: int
    """Reference divider, 1..80."""
    clkfb: int
    """Feedback divider after CLKOP, 1..80."""
    clkop: int
    """Divider of CLKOP, 1..128."""
    clkos: int
    """Divider of CLKOS, the output, 1..128."""

    def vco_hz(self, reference_hz: int) -> Fraction:
        """Frequency of the oscillator in the PLL."""
        return Fraction(reference_hz * self.clkfb * self.clkop, self.clki)

    def output_hz(self, reference_hz: int) -> Fraction:
        """Frequency at the output."""
        return self.vco_hz(reference_hz) / self.clkos

    @classmethod
    def settings(cls, reference_hz: int) -> Iterator[Self]:
        """Every legal oscillator frequency and output divider."""
        if not 8 * MHZ <= reference_hz <= 400 * MHZ:
            return
        for clki in range(1, 81):
            detector = Fraction(reference_hz, clki)
            if detector < 10 * MHZ:
                return
            # clkfb and clkop only count as a product here; CLKOP itself must be 3.125..400 MHz.
            for multiple in range(1, 81 * 128):
                vco = detector * multiple
                if vco > 800 * MHZ:
                    break
                if vco < 400 * MHZ:
                    continue
                divisors = (d for d in range(128, 0, -1) if multiple % d == 0)
                clkop = next((d for d in divisors if _output_ok(vco / d)), None)
                if clkop is None or multiple // clkop > 80:
                    continue
                for clkos in range(1, 129):
                    if _output_ok(vco / clkos):
                        yield cls(clki=clki, clkfb=multiple // clkop, clkop=clkop, clkos=clkos)

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
        """EHXPLLL behind a buffer; the loop filter's attributes are those of Trellis' ecppll."""
        m.submodules.buffer = buffer = io.Buffer(io.Direction.Input, pin)
        feedback = Signal()
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{reference_hz / MHZ:g}",
            a_FREQUENCY_PIN_CLKOS=f"{float(self.output_hz(reference_hz)) / MHZ:g}",
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
            p_CLKI_DIV=self.clki,
            p_CLKFB_DIV=self.clkfb,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=self.clkop,
            p_CLKOP_CPHASE=self.clkop - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=self.clkos,
            p_CLKOS_CPHASE=self.clkos - 1,
            p_CLKOS_FPHASE=0,
            i_CLKI=buffer.i,
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
            o_CLKOS=clk,
            o_LOCK=locked,
        )


def _output_ok(frequency: Fraction) -> bool:
    """Whether CLKOP or CLKOS may have this frequency."""
    return Fraction(3_125_000) <= frequency <= 400 * MHZ


class GlobalSetReset(Reset):
    """The net GSR of the part's own, which every register is on that does not refuse it.

    No register needs a reset of its own, and no net goes through the fabric. Place and route has
    no delays for it: SGSR lets go at a clock edge, but registers may see that a cycle apart
    (tests/boards/test_reset.py holds that no design minds).
    """

    def domain(self, m: Module, *, clk: ValueLike, running: Signal) -> None:
        """A domain without a reset, and SGSR."""
        m.domains.sync = ClockDomain("sync", reset_less=True)
        m.d.comb += ClockSignal("sync").eq(clk)
        m.submodules.global_set_reset = Instance("SGSR", i_CLK=clk, i_GSR=running)

    def hold(self, m: Module, *, clk: ValueLike, register: Signal, following: ValueLike) -> None:
        """Flip-flops that refuse GSR, or it would never end."""
        value = Signal.like(register, name=f"{register.name}_next")
        m.d.comb += value.eq(following)
        for bit in range(len(register)):
            m.submodules[f"{register.name}_{bit}"] = Instance(
                "FD1S3AX", p_GSR="DISABLED", i_CK=clk, i_D=value[bit], o_Q=register[bit]
            )


_ROUTE = ("--speed", "6", "--package", "CABGA381", "--lpf-allow-unconstrained")

ECP5 = Family(
    name="ecp5",
    packer="ecppack",
    routed="config",
    bitstream="bit",
    cells={
        "lut": "TRELLIS_COMB",
        "ff": "TRELLIS_FF",
        "bram": "DP16KD",
        "dsp": "MULT18X18D",
    },
    block_ram=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),  # DP16KD
    pll=Ecp5Dividers,
    reset=GlobalSetReset(),
    after_synthesis=absorb,
    link_buffer=2048,
    parts={
        "LFE5U-85F": Part(block_rams=208, route=("--85k", *_ROUTE)),
        "LFE5U-25F": Part(block_rams=56, route=("--25k", *_ROUTE)),
    },
)
