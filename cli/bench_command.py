"""`elsie bench`: hands over to the benchmark that was named."""

import argparse
import importlib

BENCHMARKS = ("eie", "ese", "sim", "fpga", "peers")
"""Each has a module cli.bench_NAME with `add(steps)`, its grammar, and `run(options)`."""


def run(options: argparse.Namespace) -> int:
    """Run one benchmark; returns its exit code."""
    return importlib.import_module(f"cli.bench_{options.benchmark}").run(options)
