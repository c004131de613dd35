"""`elsie load`."""

import argparse

import elsie
from elsie.cli import output
from elsie.cli.board.connect import add_connection, connected, load
from elsie.cli.grammar import Steps, add_command, add_net


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "load",
        "load a network into a board that runs",
        "elsie load model.elsie",
        "elsie load model.elsie --port /dev/ttyUSB1 --again",
        run=run,
    )
    add_net(command)
    add_connection(command)
    command.add_argument("--again", action="store_true", help="load it even if it is there")


def run(options: argparse.Namespace) -> int:
    """Load, and say what is there now."""
    network = elsie.load(options.net)
    with connected(options, network) as board:
        loaded = load(board, network, again=options.again)
        values = {
            "network": network.name,
            "port": board.port,
            "baud": board.baud,
            "loads": board.identity.loads.name.lower(),
            "loaded": loaded,
            "clock_mhz": board.identity.clock_hz / 1e6,
            "pes": board.identity.config.pes,
        }

    def text() -> None:
        what = "loaded" if loaded else "was there already"
        output.line(network.name, f"{what}, on port {values['port']} at {values['baud']} baud")

    output.result(values, as_json=options.json, text=text)
    return 0
