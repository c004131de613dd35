"""`elsie bench tiny`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_effort, positive
from golden.errors import ElsieError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elsie.bench.tiny.measure import Published, Row


def _densities(text: str) -> tuple[float, ...]:
    """Numbers above 0 and at most 1."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = (0.0,)
    if not all(0 < one <= 1 for one in found):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of densities; write numbers above 0 and at most 1, such as 0.3,1"
        )
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "tiny",
        "the four networks of MLPerf Tiny: cycles, golden and RTL, beside published results",
        "elsie bench tiny",
        "elsie bench tiny --networks kws,ad --density 0.3 --json",
        "elsie bench tiny --models mlperf-tiny --golden-only",
        run=run,
    )
    command.add_argument(
        "--networks", metavar="NAMES", type=_names, help="of kws, ic, vww, ad (default: all)"
    )
    command.add_argument(
        "--density",
        metavar="LIST",
        type=_densities,
        default=(0.3, 1.0),
        help="weights that are left (default: 0.3,1)",
    )
    command.add_argument(
        "--models",
        metavar="DIR",
        type=Path,
        help="trained networks instead of seeded weights: kws*.onnx with inputs in "
        "kws*-sample.npz, and so on",
    )
    add_effort(command)
    command.add_argument("--pes", metavar="N", type=positive, default=16, help="PEs (default: 16)")
    command.add_argument(
        "--seed", metavar="N", type=int, default=0, help="of the seeded weights (default: 0)"
    )
    command.add_argument("--golden-only", action="store_true", help="do not simulate the RTL")


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; exit code 1 when RTL and golden differ."""
    from elsie.bench.tiny import measure
    from elsie.bench.tiny.shapes import NETWORKS

    names = options.networks or tuple(NETWORKS)
    for name in names:
        if name not in NETWORKS:
            raise ElsieError(f"no network {name!r}; there are {', '.join(NETWORKS)}")
    if options.seed < 0:
        raise ElsieError("--seed must not be negative")
    if options.models and not options.models.is_dir():
        raise ElsieError(f"{options.models}: there is no such folder")
    plan = measure.Plan(
        networks=names,
        densities=options.density,
        pes=options.pes,
        seed=options.seed,
        models=options.models,
        effort=options.effort,
        rtl=not options.golden_only,
    )
    if plan.rtl:
        output.note("the RTL runs compiled; making each program takes a minute or more")
    rows = list(plan.rows(output.note))
    others = [one for one in measure.published() if one.network in names]
    values = {
        "clock_mhz": measure.clock_mhz(),
        "clock_of": measure.ROUTED,
        "rows": rows,
        "published": others,
    }
    output.result(values, as_json=options.json, text=lambda: _describe(rows, others))
    return 1 if any(row.trace_equal is False for row in rows) else 0


_HEADERS = ["network", "weights", "density", "cycles", "RTL", "target", "all sent", "useful"]
_HEADERS += ["/s", "block RAM", "error"]


def _describe(rows: "Sequence[Row]", others: "Sequence[Published]") -> None:
    from elsie.bench.tiny import measure

    output.table(_HEADERS, [_cells(row) for row in rows])
    output.line(
        "clock",
        f"{measure.clock_mhz():g} MHz, ledger row {measure.ROUTED}: as many PEs, routed without "
        f"maps",
    )
    output.line("all sent", "cycles if no weight and no activation were 0")
    table = [[one.network, one.who, f"{one.inferences_per_s:,g}", one.source] for one in others]
    output.table(["network", "published", "/s", "source"], table)


def _cells(row: "Row") -> list[str]:
    rtl = "" if row.trace_equal is None else "equal" if row.trace_equal else f"{row.cycles_rtl:,}!"
    return [
        row.network,
        row.weights,
        f"{row.density:g}",
        f"{row.cycles_golden:,}",
        rtl,
        "" if row.target is None else f"{row.target:,}",
        f"{row.cycles_all:,}",
        f"{row.useful_utilisation:.3f}",
        f"{row.inferences_per_s:,.0f}",
        str(row.bram),
        "" if row.relative_error is None else f"{row.relative_error:.3g}",
    ]
