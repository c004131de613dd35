"""`elsie bench fpga`."""

import argparse
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, positive
from golden.errors import ElsieError

if TYPE_CHECKING:
    from elsie.bench.fpga.ledger import Row

_SHOWN = (
    *("name", "pes", "lut", "lut_per_pe", "ff", "bram", "dsp", "clock_mhz"),
    *("fmax_mhz", "fmax_median", "fmax_max", "seeds", "met"),
)

_TITLES = {
    "lut_per_pe": "per PE",
    "clock_mhz": "target",
    "fmax_mhz": "worst",
    "fmax_median": "median",
    "fmax_max": "best",
    "useful_gmacs": "GMAC/s",
}
"""Short ones, so that the engines' names have room."""

_TRIED = ("seeds", "pnr", "synth")
"""Options that change a configuration for once."""


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "fpga",
        "the ledger of area and timing: print, regenerate, compare",
        "elsie bench fpga --json",
        "elsie bench fpga --measure hx8k-4-codebook --jobs 2",
        "elsie bench fpga --measure ecp5-85f-16-fixed --seeds 3",
        "elsie bench fpga --measure ecp5-85f-16-fixed --pnr='--router router2'",
        run=run,
    )
    command.add_argument(
        "--paths",
        action="store_true",
        help="print the longest path of each engine's worst seed, and shares of the part",
    )
    command.add_argument("--list", action="store_true", help="print the configurations' names")
    command.add_argument(
        "--measure",
        metavar="NAME[,NAME...]",
        help="place and route these again and compare with the ledger; 1 if anything differs",
    )
    command.add_argument(
        "--update", action="store_true", help="with --measure: write the ledger instead"
    )

    command.add_argument(
        "--seeds",
        type=positive,
        metavar="N",
        help="with --measure: seeds 1 to N of place and route (default: the configuration's)",
    )
    command.add_argument(
        "--jobs", type=positive, default=1, metavar="J", help="place and route J at once"
    )
    for option, tool in (("--pnr", "nextpnr"), ("--synth", "Yosys' synth command")):
        command.add_argument(
            option,
            type=shlex.split,
            metavar="OPTIONS",
            help=f"with --measure: more options of {tool}, to see what they give",
        )


def run(options: argparse.Namespace) -> int:
    """Print the ledger, or measure again."""
    from elsie.bench.fpga import ledger
    from elsie.bench.fpga.configurations import CONFIGURATIONS

    if options.update and not options.measure:
        raise ElsieError("--update needs --measure NAME: which rows to write")
    tried = [f"--{name}" for name in _TRIED if getattr(options, name)]
    if tried and not options.measure:
        raise ElsieError(f"{tried[0]} needs --measure NAME: what to place and route")
    if options.update and tried:
        raise ElsieError(f"--update writes rows as they are configured; leave out {tried[0]}")
    if options.list:
        names = list(CONFIGURATIONS)
        output.result(
            {"configurations": names}, as_json=options.json, text=lambda: print("\n".join(names))
        )
        return 0
    if options.measure:
        return _measure(options)
    _print(ledger.rows(), options)
    return 0


def _measure(options: argparse.Namespace) -> int:
    """Measure the named configurations; compare each with its row, or write it."""
    from elsie.bench.fpga import ledger
    from elsie.bench.fpga.configurations import find
    from elsie.bench.fpga.measure import KEPT, measure

    chosen = [find(name) for name in options.measure.split(",")]
    rows, changed = [], False
    for configuration in chosen:
        changes = {name: getattr(options, name) for name in _TRIED if getattr(options, name)}
        for name in changes.keys() - {"seeds"}:
            changes[name] = (*getattr(configuration, name), *changes[name])
        configuration = replace(configuration, **changes)
        row = measure(configuration, jobs=options.jobs, kept=KEPT, progress=output.note)
        if options.update:
            output.note(f"{row.name}: written to {ledger.save(row)}")
        elif changes:
            output.note(f"{row.name}: not compared, as the ledger is without --{min(changes)}")
        else:
            found = ledger.differences(ledger.load(configuration.name), row)
            changed |= bool(found)
            for sentence in found or ["as in the ledger"]:
                output.note(f"{row.name}: {sentence}")
        rows.append(row)
    _print(rows, options, measured=True, equal=not changed)
    return int(changed)


def _print(rows: "list[Row]", options: argparse.Namespace, **more: bool) -> None:
    """Rows as one JSON object or a table."""

    def text() -> None:
        if options.paths:
            for row in rows:
                _path(row)
            return
        shown = (*_SHOWN, *(("useful_gmacs",) if any(row.useful_gmacs for row in rows) else ()))
        values = [[getattr(row, name) for name in shown] for row in rows]
        cells = [["-" if value is None else str(value) for value in row] for row in values]
        output.table([_TITLES.get(name, name) for name in shown], cells)

    output.result({"rows": rows, **more}, as_json=options.json, text=text)


def _path(row: "Row") -> None:
    """Print what limits an engine's clock, and how much of the part it takes."""
    path, available = row.path, row.available
    shares = [
        f"{name} {100 * getattr(row, field) / available[field]:.0f} %"
        for name, field in (("logic", _logic(row)), ("block RAM", "bram"), ("multipliers", "dsp"))
        if field in available
    ]
    output.line(row.name, f"{row.fmax_mhz} MHz with the worst of {row.seeds} seeds")
    output.line("  of the part", ", ".join(shares))
    if path is None:
        output.line("  longest path", "not known: the row is older than this figure")
        return
    cells = path.ns * (1 - path.routing)
    share = f"{100 * path.routing:.0f} % of it wires, without which {1000 / cells:.0f} MHz"
    output.line("  longest path", f"{path.ns} ns, {share}")
    output.line("  from", path.begin)
    output.line("  to", path.end)
    output.line("  its slowest net", f"{path.net}, {path.net_ns} ns")


def _logic(row: "Row") -> str:
    """The field that says how much logic of the part is used."""
    return "lc" if "lc" in row.available else "lut"
