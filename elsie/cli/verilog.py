"""`elsie verilog`."""

import argparse

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_net, add_out
from elsie.cli.paths import check_file


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "verilog",
        "write the engine, network in its memories, as plain Verilog",
        "elsie verilog model.elsie -o model.v",
        run=run,
    )
    add_net(command)
    add_out(command, "FILE", "file")


def run(options: argparse.Namespace) -> int:
    """Write the engine as Verilog."""
    check_file(options.out, options.net)
    network = elsie.load(options.net)
    elsie.verilog(network, options.out)
    values = {"network": network.name, "verilog": str(options.out), "module": "elsie"}
    output.result(
        values,
        as_json=options.json,
        text=lambda: output.line("verilog", f"{options.out}, module elsie"),
    )
    return 0
