"""`elsie verilog`."""

import argparse

import elsie
from elsie.cli import output
from elsie.cli.paths import check_file


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
