"""`elsie board-sim`."""

import argparse
import time
from pathlib import Path

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_board, add_command


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "board-sim",
        "simulate a whole board behind a pseudo-terminal, until Ctrl-C",
        "elsie board-sim model.elsie other.elsie",
        "elsie run model.elsie --input test.npz --port /dev/pts/5  # in another terminal",
        run=run,
    )
    command.add_argument(
        "net", metavar="NET", type=Path, nargs="+", help="compiled networks that its engine fits"
    )
    add_board(command, what="whose clock it has (default: the one NET was compiled for)")
    command.add_argument(
        "--seconds", type=float, metavar="S", help="end after so many seconds (default: never)"
    )


def run(options: argparse.Namespace) -> int:
    """Start it, name its port, wait; then say how fast it was."""
    from elsie.host.simulated.board import simulated

    networks = [elsie.load(net) for net in options.net]
    output.note(
        "making the simulated board (a minute or more for a new engine, more for many PEs) ..."
    )
    board = simulated(*networks, board=options.board)
    with board:
        names = ", ".join(network.name for network in networks)
        output.note(f"a board with an engine for {names}, none of them loaded yet, is on port")
        print(board.port, flush=True)
        try:
            until = time.monotonic() + (options.seconds or float("inf"))
            while board.running() and time.monotonic() < until:
                time.sleep(0.1)
        except KeyboardInterrupt:
            output.note("ended")
    speed = board.cycles / board.seconds / 1e6 if board.seconds else 0.0
    values = {
        "cycles": board.cycles,
        "processor_seconds": board.seconds,
        "million_cycles_per_second": speed,
    }
    output.result(
        values,
        as_json=options.json,
        text=lambda: output.line("simulated", f"{board.cycles} cycles, {speed:.2f} million/s"),
    )
    return 0
