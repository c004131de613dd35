"""`elsie demo`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elsie.cli import output
from elsie.cli.compile import describe_accuracy
from elsie.cli.grammar import Steps, add_board, add_command, add_seed, add_weights, positive
from elsie.cli.paths import check_directory
from elsie.cli.simulate import describe as describe_simulation

if TYPE_CHECKING:
    from elsie.demo import Demo
    from golden.format.network import Network


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "demo",
        "run everything on the digits example: compile, predict, simulate, build",
        "elsie demo",
        "elsie demo --inferences 100 --json",
        "elsie demo --board ulx3s-85f --weights log",
        run=run,
    )
    add_board(command, default="icebreaker")
    add_weights(command, default="codebook")
    command.add_argument(
        "--inferences", type=positive, default=50, help="how many to simulate (default: 50)"
    )
    command.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("build/demo"),
        help="directory for network and bitstream (default: build/demo)",
    )
    add_seed(command)


def run(options: argparse.Namespace) -> int:
    """Run everything; exit code 0 only if every check passed."""
    from elsie.demo import demo

    check_directory(options.out)
    output.note(
        f"digits -> {options.board}: compile, simulate {options.inferences} inferences, build"
    )
    with output.progress("simulating the RTL", "inferences") as update:
        found = demo(
            board=options.board,
            weights=options.weights,
            inferences=options.inferences,
            out=options.out,
            seed=options.seed,
            say=output.note,
            progress=update,
        )
    output.result(found.to_dict(), as_json=options.json, text=lambda: _describe(found))
    return 0 if found.held else 1


def _describe(found: "Demo") -> None:
    print()
    describe_accuracy(found.accuracy)
    _describe_size(found.network)
    describe_simulation(found.simulation)
    print()
    print(found.report.table())
    print()
    print("All checks passed." if found.held else "NOT all checks passed.")


def _describe_size(network: "Network") -> None:
    """Size before and after."""
    info = network.info
    dense, stored = info.size_bits.dense / 8192, info.size_bits.stored / 8192
    output.line(
        "size",
        f"{dense:.1f} KiB as 32-bit float, {stored:.1f} KiB stored: "
        f"{info.compression_ratio:.1f} x smaller",
    )
