"""`elsie bench`: hands over to the benchmark that was named, one file each."""

import argparse
import importlib

BENCHMARKS = ("eie", "ese", "sim", "fpga", "peers")
"""Each has a module elsie.cli.bench.NAME with `add(steps)`, its grammar, and `run(options)`."""


def run(options: argparse.Namespace) -> int:
    """Run one benchmark; returns its exit code."""
    return importlib.import_module(f"elsie.cli.bench.{options.benchmark}").run(options)
