"""The board that a command talks to: on a port, or simulated."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from elsie.cli import output
from golden.errors import ElsieError

if TYPE_CHECKING:
    from elsie.host import Board
    from golden.format.network import Network

SIMULATED = "sim"


def add_connection(command: argparse.ArgumentParser) -> None:
    """Which board."""
    command.add_argument(
        "--port", metavar="P", help="its serial port (default: the only one that may be a board's)"
    )
    command.add_argument(
        "--board",
        metavar="sim",
        choices=[SIMULATED],
        help="'sim': simulate a board with this network's engine, for as long as the command runs",
    )
    command.add_argument(
        "--speed",
        type=int,
        metavar="BAUD",
        help="at most so many baud (default: the fastest that works, up to 3000000)",
    )


@contextmanager
def connected(options: argparse.Namespace, network: "Network") -> Iterator["Board"]:
    """The board, opened; a simulated one is started before and ended after."""
    from elsie.host import Board

    if options.board is None:
        with Board.open(options.port, speed=options.speed) as board:
            yield board
        return
    if options.port is not None:
        raise ElsieError("--port is a board's and --board sim has none; give one of them")
    from elsie.host.simulated.board import simulated

    output.note(
        "making the simulated board (a minute or more for a new engine, more for many PEs) ..."
    )
    with simulated(network) as board, Board.open(board.port, speed=options.speed) as opened:
        yield opened


def load(board: "Board", network: "Network", *, again: bool = False) -> bool:
    """Load with progress; false if it was there."""
    with output.progress(f"loading {network.name}", "bytes") as update:
        return board.load(network, again=again, progress=update)
