"""What a family of FPGAs is. Each has a file here; registry.py lists them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boards.families.pll import Dividers
from boards.families.reset import Reset
from golden.format.memories import Shapes


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a family, in a package."""

    block_rams: int
    """Block RAMs on the part."""
    sprams: int = 0
    """SB_SPRAM256KA (256 kbit) on the part; each holds the entries of two PEs."""
    synthesis: tuple[str, ...] = ()
    """Options of Yosys' synth command."""
    route: tuple[str, ...]
    """Options of nextpnr without a board; a board's platform has its own."""
    speed: tuple[str, ...] = ()
    """More options of the synth command without a board: the ledger's rows are made with them."""


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
    block_ram: Shapes
    """Depth x width of the ways to use one block RAM."""
    pll: type[Dividers] | None = None
    """Its PLL; without one a board's clock is its oscillator's."""
    reset: Reset = field(default_factory=Reset)
    """How its registers are reset."""
    levers: tuple[str, ...] = ()
    """Options of nextpnr that pay on every engine, as measured (docs/timing-closure.md)."""
    after_synthesis: Callable[[Any], object] | None = None
    """Changes the netlist, as Yosys' write_json wrote it, before it is placed."""
    link_buffer: int = 512
    """Bytes of requests that one block RAM holds (docs/protocol.md)."""
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

    def finish(self, netlist: Path) -> None:
        """Change the file that Yosys' write_json wrote, where this family has something to do."""
        if self.after_synthesis is None:
            return
        found = json.loads(netlist.read_text())
        self.after_synthesis(found)
        netlist.write_text(json.dumps(found))
