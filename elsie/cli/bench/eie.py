"""`elsie bench eie`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elsie.cli.grammar import Steps, add_balanced, add_command, positive
from golden.errors import ElsieError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elsie.bench.eie.measure import Row
    from elsie.bench.eie.run import Make, Plan
    from golden.config import EngineConfig

ROUTED, WIDE = "ecp5-85f-64-codebook", "wide"
"""The engine without --engine, of the ledger; and the one that is only simulated."""


def _numbers(text: str) -> tuple[int, ...]:
    """8,16,32 or 1..64 (doubling) or 1..64/1 (in steps), or several of these, with commas."""
    try:
        found = [number for part in text.split(",") for number in _range(part)]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of numbers; write 8,16,32 or 1..64 (1, 2, 4, ... 64) or 1..64/1"
        ) from None
    if min(found) < 1 or max(found) > 1000:
        raise argparse.ArgumentTypeError(f"{text!r}: the numbers must be from 1 to 1000")
    return tuple(dict.fromkeys(found))


def _range(part: str) -> list[int]:
    first, dots, rest = part.partition("..")
    if not dots:
        return [int(first)]
    last, slash, step = rest.partition("/")
    low, high = int(first), int(last)
    if not 1 <= low <= high or high > 1000:
        raise ValueError
    if slash:
        return list(range(low, high + 1, int(step)))
    doubled = [low << n for n in range(11) if low << n < high]
    return [*doubled, high]


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name.strip()]


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "eie",
        "EIE's nine layers: cycles, golden and RTL, useful utilisation, and where the rest goes",
        "elsie bench eie",
        "elsie bench eie --layers Alex-7,NT-We --golden-only --json",
        "elsie bench eie --queue 1..64 --plot plots",
        "elsie bench eie --engine wide",
        "elsie bench eie --pes 8,16,32,64,128,256 --scheme eie",
        "elsie bench eie --balanced --pes 32",
        "elsie bench eie --matrix layer.mtx --activations input.npy",
        run=run,
    )
    command.add_argument(
        "--layers",
        metavar="NAMES",
        type=_names,
        help="which, separated by commas (default: all nine)",
    )
    command.add_argument(
        "--matrix", metavar="FILE", type=Path, help="a layer of your own: .mtx, .smtx or .npz"
    )
    command.add_argument(
        "--activations", metavar="FILE", type=Path, help="its input: .npy, .npz or .mtx"
    )
    add_balanced(command)
    command.add_argument(
        "--engine",
        metavar="NAME",
        help="an engine as it was placed and routed (elsie bench fpga --list), with memories that "
        f"are large enough (default: {ROUTED}), or '{WIDE}', which never was: a drain unit for "
        "each PE and queues of 32 slots; the options below change it",
    )
    command.add_argument("--pes", metavar="LIST", type=_numbers, help="PEs (default: 64)")
    command.add_argument(
        "--queue",
        metavar="LIST",
        type=_numbers,
        help="jobs that may wait in a PE before broadcasts are held; the queue has a few slots "
        "more, for those on their way (default: the engine's; 8 with --scheme eie)",
    )
    command.add_argument(
        "--group",
        metavar="N",
        type=positive,
        help="PEs that share a drain unit (default: the engine's); more saves logic",
    )
    command.add_argument(
        "--scheme",
        choices=["elsie", "eie"],
        default="elsie",
        help="Elsie's, or EIE's own (golden model only)",
    )
    command.add_argument("--golden-only", action="store_true", help="do not simulate the RTL")
    command.add_argument(
        "--spot-check",
        metavar="N",
        type=positive,
        default=0,
        help="lists run in golden only; with this, N of their points in the RTL too, evenly chosen",
    )
    command.add_argument("--plot", metavar="DIR", type=Path, help="draw the result as SVG")
    command.add_argument(
        "--seed", metavar="N", type=int, default=0, help="seed of the random layers (default: 0)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; exit code 1 when RTL and golden differ."""
    from elsie import plotting
    from elsie.bench.eie import plots
    from elsie.bench.eie.run import run as measure
    from elsie.cli import output
    from elsie.cli.bench import eie_tables
    from elsie.cli.paths import check_directory

    plan = _plan(options)
    if options.plot:
        check_directory(options.plot)
        plotting.require()
    if any(plan.simulated(point) for point in range(plan.points)):
        output.note("the RTL runs compiled; making the program takes minutes, the first time")
    with output.progress("measuring", "points") as update:
        results = measure(plan, progress=update)
    drawn = plots.draw(results.rows, options.plot) if options.plot else []
    shown = eie_tables.Results(
        seed=options.seed,
        balanced=options.balanced,
        engines=_engines(results.rows, plan.base),
        rows=results.rows,
        first_difference=results.differences[0] if results.differences else None,
        plots=[str(file) for file in drawn],
    )
    output.result(shown, as_json=options.json, text=lambda: eie_tables.describe(shown))
    return 1 if results.differences else 0


def _plan(options: argparse.Namespace) -> "Plan":
    """The options as a plan; refuses those that contradict each other."""
    from elsie.bench.eie.engine import engine
    from elsie.bench.eie.run import Plan, of_paper
    from elsie.bench.eie.user import user_problem

    if options.seed < 0:
        raise ElsieError("--seed must not be negative")
    if (options.matrix is None) != (options.activations is None):
        raise ElsieError("--matrix and --activations go together; give both files, or neither")
    if options.matrix and options.layers:
        raise ElsieError("--matrix is a layer of its own; leave out --layers")
    if options.balanced and options.matrix:
        raise ElsieError("--balanced prunes the random layers, not --matrix; leave out one of them")
    if options.balanced and options.scheme == "eie":
        raise ElsieError("EIE's scheme deals rows in its own way; leave out --balanced")
    if options.scheme == "eie" and options.engine:
        raise ElsieError("EIE's scheme is no engine of the ledger; leave out --engine")
    base = _base(options)
    pes, group = options.pes or (base.pes,), options.group or base.group
    curve = len(pes) > 1 or len(options.queue or (0,)) > 1
    if options.scheme == "eie" and options.spot_check:
        raise ElsieError("there is no RTL of EIE's scheme; leave out --spot-check")
    if options.golden_only and options.spot_check:
        raise ElsieError("--spot-check simulates the RTL; leave out --golden-only")
    if options.matrix:
        config = engine(pes=min(pes), group=group, base=base)
        problem = user_problem(
            options.matrix, options.activations, config=config, seed=options.seed
        )
        problems: tuple[Make, ...] = (lambda _: problem,)
    else:
        problems = of_paper(options.layers, seed=options.seed, balance=options.balanced)
    return Plan(
        problems=problems,
        pes=pes,
        queues=options.queue,
        group=group,
        base=base,
        scheme=options.scheme,
        rtl=not (curve or options.golden_only or options.scheme == "eie"),
        spot_checks=options.spot_check,
    )


def _base(options: argparse.Namespace) -> "EngineConfig":
    """The engine before its PEs, groups, queues and memories are chosen."""
    from elsie.bench.eie.engine import BASE
    from elsie.bench.fpga.configurations import find

    if options.engine == WIDE or options.scheme == "eie":
        return BASE
    return find(options.engine or ROUTED).engine


def _engines(
    rows: "list[Row]", base: "EngineConfig"
) -> "list[Mapping[str, Mapping[str, int] | str | int | bool]]":
    """Every engine that was measured, as EngineConfig's fields."""
    from elsie.bench.eie.engine import engine

    points = dict.fromkeys((r.pes, r.queue, group) for r in rows if (group := r.group) is not None)
    return [
        engine(pes=pes, queue=queue, group=group, base=base).to_dict()
        for pes, queue, group in points
    ]
