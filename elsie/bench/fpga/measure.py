"""Synthesis, place and route of one configuration, and the ledger's row of it."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from boards import report
from boards.build import AFTER_READ
from boards.families.family import Family
from elsie.bench.fpga.configurations import Configuration
from elsie.bench.fpga.harness import Harness
from golden.format.image import encode
from toolchain.netlist import run_yosys, write_rtlil
from toolchain.programs import TOOLS
from toolchain.scratch import scratch

Progress = Callable[[str], None]


class Part:
    """A platform, as far as the RTL needs one: it says which cells there are."""

    def __init__(self, device: str) -> None:
        self.device = device
        """The part."""


def measure(
    configuration: Configuration, *, work: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Build it and return the ledger's row.

    work: where to keep the files; by default they are deleted. progress:
    called with a line for each step. Raises ElsieError when a tool is missing or fails.
    """
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        return _measure(configuration, work, progress or (lambda _: None))
    # Beside the caller, because YoWASP hides /tmp.
    with scratch(Path()) as folder:
        return _measure(configuration, folder, progress or (lambda _: None))


def _measure(configuration: Configuration, work: Path, progress: Progress) -> dict[str, Any]:
    """The steps, in directory `work`."""
    progress(f"{configuration.name}: elaborating")
    synthesise(configuration, work, progress)
    progress(f"{configuration.name}: running {configuration.family.nextpnr}")
    route(configuration, work)
    return row(
        configuration,
        route=json.loads((work / "pnr.json").read_text()),
        synthesis=json.loads((work / "stat.json").read_text()),
    )


def synthesise(configuration: Configuration, work: Path, progress: Progress) -> None:
    """Write top.il, and what Yosys makes of it: top.json and stat.json."""
    top = Harness(image=encode(configuration.network()), load=configuration.loaded)
    write_rtlil(top, work, platform=Part(configuration.device))
    family = configuration.family
    part = family.parts[configuration.device]
    options = [*part.synthesis, *part.speed, *configuration.synth]
    commands = [
        *AFTER_READ,
        f"synth_{family.name} {' '.join(options)} -top top",
        "tee -q -o stat.json stat -json",
        "write_json top.json",
    ]
    progress(f"{configuration.name}: running yosys")
    run_yosys(commands, work, makes=["top.json", "stat.json"])


def route(configuration: Configuration, work: Path) -> None:
    """Place and route top.json; write pnr.json."""
    family = configuration.family
    arguments = [
        *family.parts[configuration.device].route,
        *("--json", "top.json", "--report", "pnr.json", "--log", "pnr.log", "-q"),
        *("--freq", f"{configuration.clock_mhz:g}", "--seed", str(configuration.seed)),
        # A clock that is not met is a result too, and the row says so.
        "--timing-allow-fail",
        *configuration.pnr,
    ]
    TOOLS[family.nextpnr].run(arguments, cwd=work, makes=["pnr.json"])


def row(
    configuration: Configuration, *, route: dict[str, Any], synthesis: dict[str, Any]
) -> dict[str, Any]:
    """The ledger's row from nextpnr's report and Yosys' `stat -json`."""
    used, available = report.area(configuration.family, route=route, synthesis=synthesis)
    fmax = report.fmax_mhz(route, clock_mhz=configuration.clock_mhz)
    engine = configuration.engine
    luts = used["lut"] or 0
    return {
        "name": configuration.name,
        "device": configuration.device,
        "board": configuration.board,
        "pes": engine.pes,
        "mac": engine.mac.value,
        "lut": luts,
        "lut_per_pe": round(luts / engine.pes, 1),
        **{field: used[field] for field in ("ff", "lc", "bram", "spram", "dsp")},
        "available": available,
        "fmax_mhz": round(fmax, 2),
        "clock_mhz": configuration.clock_mhz,
        "met": fmax >= configuration.clock_mhz,
        "seed": configuration.seed,
        "network": {"sizes": list(configuration.sizes), "density": configuration.density},
        "engine": engine.to_dict(),
        "synth": list(configuration.synth),
        "pnr": list(configuration.pnr),
        "tools": tools(configuration.family),
    }


def tools(family: Family) -> dict[str, str]:
    """Name and version of the packages that make the figures."""
    names = ("yosys", family.nextpnr)
    return {name: version(TOOLS[name].package.replace("_", "-")) for name in names}
