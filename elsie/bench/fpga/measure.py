"""Synthesis, place and route of one configuration, and the ledger's row of it."""

import hashlib
import json
import os
import statistics
from collections.abc import Callable, Sequence
from importlib.metadata import version
from inspect import getmodule, getsource
from pathlib import Path
from typing import Any

from boards import report
from boards.build import AFTER_READ
from boards.families.family import Family
from boards.seeds import Spread
from elsie.bench.eie.run import Plan, of_paper, run
from elsie.bench.fpga.configurations import Configuration
from elsie.bench.fpga.harness import Harness
from elsie.bench.fpga.ledger import Layers, Row
from elsie.bench.fpga.path import longest
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode
from toolchain import process
from toolchain.netlist import run_yosys, write_rtlil
from toolchain.programs import TOOLS
from toolchain.scratch import scratch

Progress = Callable[[str], None]

KEPT = Path("build") / "fpga"
"""Where finished runs stay, below the current folder; YoWASP would not see /tmp."""
_FINISHED = ("top.json", "stat.json")


class Part:
    """A platform, as far as the RTL needs one: it says which cells there are."""

    def __init__(self, device: str) -> None:
        self.device = device
        """The part."""


def measure(
    configuration: Configuration,
    *,
    jobs: int = 1,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> Row:
    """Build it with each of its seeds and return the ledger's row.

    jobs: places and routes at once. kept: finished runs are kept there, and not run again for the
    same RTLIL, options and tools; None keeps nothing. progress: called with a line for each step.
    Raises ElsieError when a tool is missing or fails.
    """
    say = progress or (lambda _: None)
    say(f"{configuration.name}: elaborating")
    if kept is None:
        with scratch(Path()) as work:  # beside the caller, because YoWASP hides /tmp
            write(configuration, work)
            return _measure(configuration, work, jobs, say)
    kept.mkdir(parents=True, exist_ok=True)
    with scratch(kept) as work:
        write(configuration, work)
        text = (work / "top.il").read_bytes() + repr(_synthesis(configuration)).encode()
        home = kept / f"{configuration.name}-{hashlib.sha256(text).hexdigest()[:12]}"
        home.mkdir(exist_ok=True)
        os.replace(work / "top.il", home / "top.il")
    say(f"{configuration.name}: finished runs are kept in {home}")
    return _measure(configuration, home, jobs, say)


def _synthesis(configuration: Configuration) -> list[Any]:
    """What a netlist depends on, but for the RTLIL."""
    family = configuration.family
    part = family.parts[configuration.device]
    return [
        *(AFTER_READ, part.synthesis, part.speed, configuration.synth),
        # Its own text, so that no kept netlist is one that an earlier version changed.
        *([getsource(module)] if (module := getmodule(family.after_synthesis)) else []),
        tools(family)["yosys"],
    ]


def _routed(configuration: Configuration) -> str:
    """The folder, beside the netlist, of runs with these options of place and route."""
    used = [*_options(configuration), tools(configuration.family)[configuration.family.nextpnr]]
    return "routed-" + hashlib.sha256(repr(used).encode()).hexdigest()[:12]


def _measure(configuration: Configuration, work: Path, jobs: int, say: Progress) -> Row:
    """Whatever is not finished in directory `work`, and the row."""
    if not all((work / name).exists() for name in _FINISHED):
        say(f"{configuration.name}: running yosys")
        with scratch(work) as part:
            os.link(work / "top.il", part / "top.il")
            synthesise(configuration, part)
            for name in _FINISHED:
                os.replace(part / name, work / name)
    return row(
        configuration,
        routes=route(configuration, work, jobs=jobs, say=say),
        synthesis=json.loads((work / "stat.json").read_text()),
        netlist=netlist_hash(work),
        utilisation=utilisation(configuration.engine, say) if configuration.eie else None,
    )


def netlist_hash(work: Path) -> str:
    """Beginning of the SHA-256 of the netlist that `synthesise` has left in `work`."""
    return hashlib.sha256((work / "top.json").read_bytes()).hexdigest()[:16]


def utilisation(config: EngineConfig, say: Progress) -> float:
    """The engine's mean useful utilisation on EIE's nine layers, by the golden model."""
    say("golden model: EIE's layers on this engine")
    plan = Plan(
        problems=of_paper(None, seed=0),
        pes=(config.pes,),
        group=config.group,
        base=config,
        rtl=False,
    )
    return statistics.mean(row.useful_utilisation for row in run(plan).rows)


def write(configuration: Configuration, work: Path) -> None:
    """Write top.il, the engine in its harness."""
    image, reset = encode(configuration.network()), configuration.family.reset
    top = Harness(image=image, reset=reset, load=configuration.loaded)
    write_rtlil(top, work, platform=Part(configuration.device))


def synthesise(configuration: Configuration, work: Path) -> None:
    """Write what Yosys makes of top.il: top.json and stat.json."""
    family = configuration.family
    part = family.parts[configuration.device]
    options = [*part.synthesis, *part.speed, *configuration.synth]
    commands = [
        *AFTER_READ,
        f"synth_{family.name} {' '.join(options)} -top top",
        "tee -q -o stat.json stat -json",
        "write_json top.json",
    ]
    run_yosys(commands, work, makes=list(_FINISHED))
    family.finish(work / "top.json")


def route(
    configuration: Configuration, work: Path, *, jobs: int, say: Progress
) -> list[report.Json]:
    """Place and route top.json with each seed that has no report yet; all reports, by seed."""
    family, home = configuration.family, work / _routed(configuration)
    home.mkdir(exist_ok=True)
    seeds = range(1, configuration.seeds + 1)
    missing = [seed for seed in seeds if _report(home, seed) is None]
    say(
        f"{configuration.name}: {family.nextpnr} with {len(missing)} seeds"
        + (f", {len(seeds) - len(missing)} are done already" if len(missing) < len(seeds) else "")
    )
    with scratch(home) as part:
        os.link(work / "top.json", part / "top.json")
        tool = TOOLS[family.nextpnr]

        def ended(number: int, how: process.Done) -> None:
            name = f"pnr-{missing[number]}.json"
            if how.code:
                raise ElsieError(f"{family.nextpnr}, seed {missing[number]}: {how.reason}")
            tool.check(part, [name])
            os.replace(part / name, home / name)
            made = _report(home, missing[number]) or {}
            fmax = report.fmax_mhz(made, clock_mhz=configuration.asked_mhz)
            say(f"{configuration.name}: seed {missing[number]} reached {fmax:.2f} MHz")

        arguments = [_arguments(configuration, seed) for seed in missing]
        tool.start_all(arguments, cwd=part, at_once=jobs, ended=ended)
    found = [_report(home, seed) for seed in seeds]
    assert all(found)
    return [one for one in found if one]


def _report(home: Path, seed: int) -> report.Json | None:
    """The report of a finished run."""
    path = home / f"pnr-{seed}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _arguments(configuration: Configuration, seed: int) -> list[str]:
    name = f"pnr-{seed}"
    return [
        *("--json", "top.json", "--report", f"{name}.json", "--log", f"{name}.log", "-q"),
        *("--seed", str(seed)),
        *_options(configuration),
    ]


def _options(configuration: Configuration) -> list[str]:
    """Of nextpnr, for every seed."""
    family = configuration.family
    return [
        *family.parts[configuration.device].route,
        *("--freq", f"{configuration.asked_mhz:g}"),
        # A clock that is not met is a result too, and the row says so.
        "--timing-allow-fail",
        *family.levers,
        *configuration.pnr,
    ]


def row(
    configuration: Configuration,
    *,
    routes: Sequence[report.Json],
    synthesis: report.Json,
    netlist: str,
    utilisation: float | None,
) -> Row:
    """The ledger's row from nextpnr's reports, one a seed, and Yosys' `stat -json`.

    The clock is that of the worst seed, which also decides whether the target is met, and so is the
    longest path; logic is that of the first.
    """
    used, available = report.area(configuration.family, route=routes[0], synthesis=synthesis)
    clock, asked = configuration.clock_mhz, configuration.asked_mhz
    clocks = [round(report.fmax_mhz(route, clock_mhz=asked), 2) for route in routes]
    spread = Spread.of(clocks)
    worst = routes[clocks.index(spread.least)]
    engine = configuration.engine
    luts = used["lut"] or 0
    return Row(
        name=configuration.name,
        device=configuration.device,
        board=configuration.board,
        pes=engine.pes,
        mac=engine.mac.value,
        lut=luts,
        lut_per_pe=round(luts / engine.pes, 1),
        ff=used["ff"],
        lc=used["lc"],
        bram=used["bram"],
        spram=used["spram"],
        dsp=used["dsp"],
        available=available,
        fmax_mhz=spread.least,
        fmax_median=round(spread.median, 2),
        fmax_max=spread.most,
        clock_mhz=clock,
        asked_mhz=asked,
        met=spread.least >= clock,
        seeds=len(routes),
        clocks_mhz=tuple(clocks),
        utilisation=None if utilisation is None else round(utilisation, 4),
        useful_gmacs=_useful_gmacs(engine.pes, spread.least, utilisation),
        path=longest(worst, clock_mhz=asked),
        netlist=netlist,
        network=Layers(sizes=configuration.sizes, density=configuration.density),
        engine=engine.to_dict(),
        synth=configuration.synth,
        pnr=configuration.pnr,
        tools=tools(configuration.family),
    )


def _useful_gmacs(pes: int, clock_mhz: float, utilisation: float | None) -> float | None:
    """Useful multiplications a second, 10**9, at a clock."""
    return None if utilisation is None else round(pes * clock_mhz * utilisation / 1000, 2)


def tools(family: Family) -> dict[str, str]:
    """Name and version of the packages that make the figures."""
    names = ("yosys", family.nextpnr)
    return {name: version(TOOLS[name].package.replace("_", "-")) for name in names}
