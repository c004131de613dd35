"""`elsie build`."""

import argparse

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_board, add_command, add_net, add_out, add_seed, positive
from elsie.cli.paths import check_directory


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "build",
        "make a bitstream and its area and timing report",
        "elsie build model.elsie --board icebreaker -o build/model",
        "elsie build model.elsie --board icebreaker --seeds 8 --clock 39 -o build/model",
        run=run,
    )
    add_net(command)
    add_board(command, required=True)
    add_out(command, "DIR", "directory")
    add_seed(command)
    command.add_argument(
        "--seeds",
        type=positive,
        default=1,
        metavar="N",
        help="try up to N seeds, until one meets the clock (default: 1)",
    )
    command.add_argument(
        "--best", action="store_true", help="with --seeds: try all N, and take the fastest"
    )
    command.add_argument(
        "--clock",
        type=float,
        metavar="MHZ",
        help="another clock than the board's, which its PLL must be able to make",
    )


def run(options: argparse.Namespace) -> int:
    """Build the bitstream and print its report."""
    check_directory(options.out)
    network = elsie.load(options.net)
    report = elsie.build(
        network,
        options.board,
        out=options.out,
        seed=options.seed,
        seeds=options.seeds,
        best=options.best,
        clock_mhz=options.clock,
        progress=output.note,
    )
    values = {**report.to_dict(), "bitstream": str(options.out / report.bitstream)}
    output.result(values, as_json=options.json, text=lambda: print(report.table()))
    return 0
