"""The report of a build: area, timing and circumstances."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boards.families.family import Family
from boards.seeds import Tried, sentence
from golden.errors import ElsieError
from golden.record import Record

Json = Mapping[str, Any]
"""Of other programs: nextpnr's report, Yosys' `stat -json`."""


@dataclass(frozen=True, kw_only=True)
class BuildReport(Record):
    """Area and timing of a bitstream, after place and route. Counts that a part lacks are None."""

    board: str
    """Name of the board."""
    device: str
    """The part."""
    pes: int
    """Processing elements of the engine."""
    mac: str
    """Kind of multiply-accumulate."""
    lut: int
    """iCE40: SB_LUT4 after synthesis. ECP5: TRELLIS_COMB, which counts carry and LUT RAM too."""
    lc: int | None
    """iCE40: ICESTORM_LC, logic cells of a LUT, a carry and a flip-flop, used in any way."""
    ff: int
    """iCE40: all SB_DFF cells after synthesis. ECP5: TRELLIS_FF."""
    bram: int
    """Block RAMs. iCE40: ICESTORM_RAM (4 kbit). ECP5: DP16KD (18 kbit)."""
    spram: int | None
    """iCE40 UP5K: ICESTORM_SPRAM (256 kbit)."""
    dsp: int | None
    """Multipliers. iCE40 UP5K: ICESTORM_DSP (SB_MAC16). ECP5: MULT18X18D."""
    available: dict[str, int]
    """How many lc (iCE40) or lut (ECP5), ff (ECP5), bram, spram and dsp the part has."""
    fmax_mhz: float
    """Highest clock that place and route found, slow corner."""
    clock_mhz: float
    """The target clock; never more than fmax_mhz, and the PLL makes it."""
    seed: int
    """Seed of place and route; the same seed and tools give the same bitstream."""
    tried: tuple[Tried, ...]
    """All seeds that were tried and their clocks; `seed` is the best."""
    bitstream: str
    """File name of the bitstream."""
    loads: str
    """What `elsie load` must load each time the board has been configured: nothing, entries (they
    are in SPRAM), or everything (a generic bitstream)."""
    in_frac: int | list[int] | None
    """Fraction bits of the inputs that the host sends; a list where they differ, None without a
    network."""
    out_frac: int | None
    """Fraction bits of the outputs; None without a network."""
    tools: dict[str, str]
    """Version of each tool."""
    seconds: float
    """Time the build took."""

    def table(self) -> str:
        """The figures as text, one in a line."""
        rows = [
            ("board", f"{self.board} ({self.device})"),
            ("engine", f"{self.pes} PEs, {self.mac}"),
            ("clock", f"{self.clock_mhz:g} MHz, reached {self.fmax_mhz:.2f} MHz"),
        ]
        names = {"lut": "LUTs", "lc": "logic cells", "ff": "flip-flops", "bram": "block RAMs"}
        names |= {"spram": "large RAMs", "dsp": "multipliers"}
        for field, name in names.items():
            used = getattr(self, field)
            if used is not None:
                total = self.available.get(field)
                share = f" of {total} ({100 * used / total:.0f} %)" if total else ""
                rows.append((name, f"{used}{share}"))
        rows += [
            ("seed", str(self.seed)),
            *([("seeds", sentence(self.tried))] if len(self.tried) > 1 else []),
            ("bitstream", self.bitstream),
            *self._loads(),
            ("tools", ", ".join(self.tools.values())),
            ("time", f"{self.seconds:.0f} s"),
        ]
        return "\n".join(f"{name:<12} {value}" for name, value in rows)

    def _loads(self) -> list[tuple[str, str]]:
        """A row, if something must be loaded."""
        if self.loads == "nothing":
            return []
        return [("load first", f"{self.loads}, by 'elsie load'")]


def area(
    family: Family, *, route: Json, synthesis: Json
) -> tuple[dict[str, int | None], dict[str, int]]:
    """Figures of a BuildReport from nextpnr's JSON report and Yosys' `stat -json`.

    Returns what is used and what the part has.
    """
    utilisation = route["utilization"]
    used: dict[str, int | None] = {"lc": None, "spram": None, "dsp": None}
    available: dict[str, int] = {}
    for field, cell in family.cells.items():
        # nextpnr leaves out what the part does not have, or says 0.
        total = utilisation.get(cell, {}).get("available", 0)
        if total:
            used[field], available[field] = utilisation[cell]["used"], total
    for field, begin in family.synthesised.items():
        cells = synthesis["design"]["num_cells_by_type"]
        used[field] = sum(count for cell, count in cells.items() if cell.startswith(begin))
    return used, available


def fmax_mhz(route: Json, *, clock_mhz: float) -> float:
    """The slowest of the clocks with the target `clock_mhz`, from nextpnr's report."""
    reached = [
        clock["achieved"]
        for clock in route["fmax"].values()
        # nextpnr rounds the periods of PLLs to picoseconds, up to 0.1 %.
        if abs(clock["constraint"] - clock_mhz) <= clock_mhz * 2e-3
    ]
    if not reached:
        found = ", ".join(f"{n} at {c['constraint']:g}" for n, c in route["fmax"].items())
        raise ElsieError(
            f"place and route saw no clock of {clock_mhz:g} MHz in this design ({found or 'none'})"
        )
    return min(reached)
