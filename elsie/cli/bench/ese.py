"""`elsie bench ese`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elsie.cli.grammar import Steps, add_command, positive
from golden.errors import ElsieError
from golden.record import plain

if TYPE_CHECKING:
    from elsie.bench.ese.measure import Figures, MatrixRow
    from elsie.bench.ese.plots import Run

_NAMES = ("ESE", "NT-LSTM", "DeepBench-256", "ESE/16")
_DEFAULT = _NAMES[:3]
_PRUNING = ("plain", "pe", "column")


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in _NAMES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: the layers are {', '.join(_NAMES)}")
    return names


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "ese",
        "ESE's LSTM layer, and others: cycles per step, golden and RTL, beside the paper's figures",
        "elsie bench ese",
        "elsie bench ese --layers ESE --streams 1 --golden-only --json",
        "elsie bench ese --pruning plain --golden-only",
        "elsie bench ese --layers ESE/16 --pes 4 --plot plots",
        run=run,
    )
    command.add_argument(
        "--layers",
        metavar="NAMES",
        type=_names,
        default=list(_DEFAULT),
        help=f"which, separated by commas (default: {','.join(_DEFAULT)}); ESE/16 is ESE at a "
        "sixteenth of its sizes, for --plot",
    )
    command.add_argument(
        "--pes", metavar="N", type=positive, default=32, help="PEs (default: 32, ESE's channel)"
    )
    command.add_argument(
        "--streams",
        metavar="N",
        type=positive,
        default=2,
        help="sequences that take turns on the same weights (default: 2)",
    )
    command.add_argument(
        "--queue", metavar="N", type=positive, default=32, help="slots of a queue (default: 32)"
    )
    command.add_argument(
        "--pruning",
        choices=_PRUNING,
        default="pe",
        help="as many non-zeros of each matrix in every PE (pe: ESE's, default), in every column "
        "of a PE too (column), or anywhere (plain)",
    )
    command.add_argument("--golden-only", action="store_true", help="do not simulate the RTL")
    command.add_argument(
        "--seed", metavar="N", type=int, default=0, help="seed of the random weights (default: 0)"
    )
    command.add_argument(
        "--plot",
        metavar="DIR",
        type=Path,
        help="draw what each PE does when, as SVG, if RTL and golden agree; with one stream too",
    )


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; exit code 1 when RTL and golden differ."""
    from elsie import plotting
    from elsie.bench.ese import plots
    from elsie.bench.ese.layers import LAYERS, TOTALS
    from elsie.bench.ese.measure import measure
    from elsie.cli import output
    from elsie.cli.paths import check_directory

    if options.seed < 0:
        raise ElsieError("--seed must not be negative")
    if options.plot:
        check_directory(options.plot)
        plotting.require()
    if not options.golden_only:
        output.note("the RTL runs compiled; making the program takes minutes, the first time")
    streams = dict.fromkeys([options.streams, 1] if options.plot else [options.streams])
    runs: dict[str, list[Run]] = {name: [] for name in options.layers}
    with output.progress("measuring", "layers") as update:
        for number, name in enumerate(runs):
            runs[name] = [
                measure(
                    LAYERS[name],
                    pes=options.pes,
                    streams=count,
                    queue=options.queue,
                    pruning=options.pruning,
                    rtl=not options.golden_only,
                    seed=options.seed,
                )
                for count in streams
            ]
            update(number + 1, len(runs))
    found = [figures for every in runs.values() for figures, _ in every]
    equal = None if options.golden_only else all(one.trace_equal for one in found)
    files = []
    if options.plot and equal is not False:
        files = [
            plots.draw(LAYERS[name], every[::-1], options.plot) for name, every in runs.items()
        ]
    # The first layer's figures stand at the top, for scripts that want just one.
    values: dict[str, Any] = {
        **plain(found[0]),
        "paper_microseconds": {"theoretical": TOTALS[0], "real": TOTALS[1]},
        "trace_equal": equal,
        "layers": found,
        "plots": [str(file) for file in files],
    }
    output.result(values, as_json=options.json, text=lambda: _describe(found))
    return 1 if equal is False else 0


def _describe(layers: "list[Figures]") -> None:
    """Tables for people."""
    from elsie.bench.ese.layers import TOTALS
    from elsie.cli import output

    for one in layers:
        streams = "one stream" if one.streams == 1 else f"{one.streams} streams in turn"
        print(f"{one.layer}, a step on {one.pes} PEs, {streams}")
        output.table(
            [
                *("matrix", "size", "density", "non-zeros", "cycles: ideal", "cycles"),
                *("us: ideal", "us", "ESE: ideal", "ESE: real"),
            ],
            [*(_cells(row) for row in one.rows), *(_rest(one, name) for name in _REST)],
        )
        ideal = f"ideal {one.theoretical_cycles:,.1f}"
        output.line("cycles a step", f"{one.step_cycles:,.1f}, {ideal}")
        if one.layer == "ESE":
            ideal, real = TOTALS
            output.line(
                f"at {one.mhz} MHz",
                f"{one.step_cycles / one.mhz:.1f} us; ESE {ideal} ideal, {real} real",
            )
        output.line("useful utilisation", f"{one.useful_utilisation:.3f}")
        if one.trace_equal is not None:
            output.line("RTL", "whole trace equal" if one.trace_equal else "DIFFERS")
            if one.first_difference:
                output.line("first difference", one.first_difference)
        print()


def _cells(row: "MatrixRow") -> list[str]:
    paper = [row.paper_theoretical_microseconds, row.paper_microseconds]
    return [
        row.matrix,
        f"{row.n_out} x {row.n_in}",
        f"{row.density:.3f}",
        f"{row.nnz:,}",
        f"{row.theoretical_cycles:,.1f}",
        f"{row.cycles:,.1f}",
        f"{row.theoretical_microseconds:.2f}",
        f"{row.microseconds:.2f}",
        *("" if value is None else f"{value}" for value in paper),
    ]


_REST = {"operation_cycles": "cell operations", "waiting_cycles": "waiting"}


def _rest(one: "Figures", name: str) -> list[str]:
    """What the PEs do when they read no entries."""
    cycles = getattr(one, name)
    return [_REST[name], "", "", "", "", f"{cycles:,.1f}", "", f"{cycles / one.mhz:.2f}", "", ""]
