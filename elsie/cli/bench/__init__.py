"""`elsie bench`: the benchmarks, one file each."""

import argparse
import importlib

from elsie.cli.grammar import Steps

BENCHMARKS = ("eie", "ese", "sim", "fpga", "peers", "compression", "tiny")
"""Each has a module elsie.cli.bench.NAME with `add(steps)`, its grammar, and `run(options)`."""


def add(steps: Steps) -> None:
    """The grammar."""
    bench = steps.add_parser(
        "bench",
        help="measure the engine",
        description="Measure the engine, reproducibly.",
        epilog="examples:\n  elsie bench eie\n  elsie bench fpga --json\n"
        "  elsie bench peers --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = bench.add_subparsers(required=True, metavar="BENCHMARK")
    for name in BENCHMARKS:
        importlib.import_module(f"elsie.cli.bench.{name}").add(kinds)
