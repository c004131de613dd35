"""`elsie monitor`."""

import argparse
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import elsie
from elsie.cli import output
from elsie.cli.board.connect import add_connection, connected, load
from elsie.cli.grammar import Steps, add_command, add_input, add_net

if TYPE_CHECKING:
    from rich.table import Table

    from elsie.host import Board

_SECONDS = 0.5
"""How long a look lasts, about."""


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "monitor",
        "run inputs on a board over and over, and watch its counters",
        "elsie monitor model.elsie --input test.npz",
        "elsie monitor model.elsie --input test.npz --board sim --seconds 20",
        run=run,
    )
    add_net(command)
    add_input(command)
    add_connection(command)
    command.add_argument(
        "--seconds", type=float, metavar="S", help="end after so many seconds (default: never)"
    )


def run(options: argparse.Namespace) -> int:
    """Look after look, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    network = elsie.load(options.net)
    data = elsie.load_data(options.input, network, labels=False)
    values: dict[str, float] = {}
    with connected(options, network) as board:
        load(board, network)
        until = time.monotonic() + (options.seconds or float("inf"))
        console = Console(stderr=True)
        many = 1
        with Live(console=console, auto_refresh=False, transient=True) as live:
            try:
                while time.monotonic() < until:
                    first = int(values.get("inferences", 0)) % len(data.x)
                    part = slice(first, first + many)
                    lengths = None if data.lengths is None else data.lengths[part]
                    board.run(data.x[part], lengths)
                    values = look(board, values)
                    live.update(_table(network.name, values), refresh=True)
                    many = max(1, round(_SECONDS * values["per_second"]))
            except KeyboardInterrupt:
                output.note("ended")

    def text() -> None:
        for name, value in values.items():
            output.line(name.replace("_", " "), _shown(value))

    output.result(values, as_json=options.json, text=text)
    return 0


def look(board: "Board", before: Mapping[str, float]) -> dict[str, float]:
    """The last run, the counters of its last step, and the line; sums go on from `before`."""
    measured, counters = board.measured, board.counters()
    assert measured is not None
    pes = board.identity.config.pes
    return {
        "inferences": before.get("inferences", 0) + measured.inferences,
        "per_second": measured.per_second,
        "cycles_per_step": measured.cycles / max(1, measured.steps),
        "macs": counters.macs,
        "stalls": counters.stalls,
        "starved": counters.starved,
        "useful_utilisation": counters.macs / (pes * max(1, counters.cycles)),
        "line_busy": measured.line_seconds / measured.seconds,
        "engine_busy": measured.engine_seconds / measured.seconds,
        "baud": measured.baud,
        "damaged": board.damaged(),
        "recovered": before.get("recovered", 0) + measured.recovered,
    }


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _table(name: str, values: dict[str, float]) -> "Table":
    from rich.table import Table

    table = Table(name, "", box=None, pad_edge=False)
    for what, value in values.items():
        table.add_row(what.replace("_", " "), _shown(value))
    return table
