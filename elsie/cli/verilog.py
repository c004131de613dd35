"""`elsie verilog`."""

import argparse
from pathlib import Path

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_net, add_out, positive
from elsie.cli.paths import check_directory, check_file
from golden.errors import ElsieError


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "verilog",
        "write the engine, network in its memories, as plain Verilog",
        "elsie verilog model.elsie -o model.v",
        "elsie verilog model.elsie --testbench test.npz --limit 3 -o folder && make -C folder",
        run=run,
    )
    add_net(command)
    add_out(command, "FILE", "file, or folder with --testbench,")
    command.add_argument(
        "--testbench",
        metavar="DATA",
        type=Path,
        help="write a folder with the engine, a testbench, these inputs (as for elsie simulate), "
        "and expected results; it needs Icarus Verilog or Verilator, and no Python",
    )
    command.add_argument(
        "--limit", metavar="N", type=positive, help="only the first N samples (default: all)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the engine as Verilog, or a folder that simulates it."""
    bench: Path | None = options.testbench
    if bench is None:
        if options.limit is not None:
            raise ElsieError("--limit is for --testbench; name its inputs, or leave --limit out")
        check_file(options.out, options.net)
        network = elsie.load(options.net)
        elsie.verilog(network, options.out)
    else:
        check_directory(options.out)
        network = elsie.load(options.net)
        x, lengths, _ = elsie.load_data(bench, network, labels=False)
        few = None if lengths is None else lengths[: options.limit]
        elsie.write_testbench(network, x[: options.limit], options.out, lengths=few)
    values = {"network": network.name, "verilog": str(options.out), "module": "elsie"}
    what = "module elsie" if bench is None else "a folder; type make in it"
    output.result(
        values,
        as_json=options.json,
        text=lambda: output.line("verilog", f"{options.out}, {what}"),
    )
    return 0
