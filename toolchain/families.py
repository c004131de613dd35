"""FPGA families: their programs, parts, and cells in reports. A family is an entry here.

Two things are elsewhere: the shapes of its block RAM (golden.format.memories, because the compiler
needs them without tools), and its PLL (boards.pll and boards.clock, which are gateware).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from golden.errors import ElsieError


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a family, in a package."""

    route: tuple[str, ...]
    """Options of nextpnr."""
    synthesis: tuple[str, ...] = ()
    """Options of Yosys' synth command."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Parts that the same programs build for."""

    name: str
    """As in Yosys' synth_NAME and nextpnr-NAME."""
    packer: str
    """The program that makes the bitstream."""
    routed: str
    """Ending of the file that goes from place and route to the packer."""
    bitstream: str
    """The bitstream's ending."""
    cells: Mapping[str, str]
    """Cell in nextpnr's report for each field of boards.report.BuildReport."""
    synthesised: Mapping[str, str] = field(default_factory=dict)
    """Fields that only Yosys can count, and the prefixes of their cells' names."""
    parts: Mapping[str, Part]
    """By name."""

    @property
    def nextpnr(self) -> str:
        """The program that places and routes."""
        return f"nextpnr-{self.name}"

    @property
    def programs(self) -> tuple[str, ...]:
        """Everything that a build runs, in order; names in toolchain.programs.TOOLS."""
        return ("yosys", self.nextpnr, self.packer)


_ECP5 = ("--speed", "6", "--package", "CABGA381", "--lpf-allow-unconstrained")

FAMILIES = {
    family.name: family
    for family in (
        Family(
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
            parts={
                "iCE40HX8K": Part(
                    route=("--hx8k", "--package", "ct256"), synthesis=("-device", "hx")
                ),
                "iCE40UP5K": Part(
                    route=("--up5k", "--package", "sg48"), synthesis=("-dsp", "-device", "u")
                ),
            },
        ),
        Family(
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
            parts={
                "LFE5U-85F": Part(route=("--85k", *_ECP5)),
                "LFE5U-25F": Part(route=("--25k", *_ECP5)),
            },
        ),
    )
}
"""By name."""


def family_of(part: str) -> Family:
    """The family that a part belongs to. Raises ElsieError listing the parts."""
    for family in FAMILIES.values():
        if part in family.parts:
            return family
    known = ", ".join(name for family in FAMILIES.values() for name in family.parts)
    raise ElsieError(f"no FPGA {part!r} is known; there are {known}")
