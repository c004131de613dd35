"""`elsie verilog`."""

import argparse

import elsie
from cli import output


def run(options: argparse.Namespace) -> int:
    """Write the engine as Verilog."""
    network = elsie.load(options.net)
    elsie.verilog(network, options.out)
    values = {"network": network.name, "verilog": str(options.out), "module": "elsie"}
    output.result(
        values,
        as_json=options.json,
        text=lambda: output.line("verilog", f"{options.out}, module elsie"),
    )
    return 0
