"""Entry point of the `elsie` command."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from elsie import __version__
from elsie.own import foreign_package

COMMANDS = (
    *("demo", "compile", "predict", "simulate", "build", "verilog", "bench", "boards", "doctor"),
)
"""Each has a module elsie.cli.NAME with `add(steps)`, its grammar, and `run(options)`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0: done, and every check passed. 1: a check failed, or a goal such as --max-drop was missed. 2:
    bad input, reported in one sentence.
    130: interrupted.
    """
    if sentence := foreign_package():
        print(f"elsie: {sentence}", file=sys.stderr)
        return 2
    return _run(parser().parse_args(arguments))


def parser() -> argparse.ArgumentParser:
    """The whole grammar. The commands import numpy, Amaranth and ONNX only when they run."""
    top = argparse.ArgumentParser(
        prog="elsie",
        description="A sparse neural-network engine for FPGAs, from a trained model to a "
        "bitstream, with open tools only.",
        epilog="Start with: elsie demo",
    )
    top.add_argument("--version", action="version", version=f"elsie {__version__}")
    steps = top.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"elsie.cli.{name}").add(steps)
    return top


def _run(options: argparse.Namespace) -> int:
    """Run the chosen command, and turn what it raises into a sentence."""
    from golden.errors import ElsieError  # only now is it known to be Elsie's own

    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except ElsieError as error:
        print(f"elsie: {error}", file=sys.stderr)
        return error.exit_code
    except AssertionError as error:
        _drop_coroutines()
        print(f"elsie: the simulated engine failed a check of its own: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _drop_coroutines()
        print("elsie: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone: say nothing, and keep Python from complaining.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"elsie: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return 2


def _drop_coroutines() -> None:
    """A simulation that ends early leaves suspended coroutines, which complain when dropped."""
    sys.unraisablehook = lambda _: None


if __name__ == "__main__":
    sys.exit(main())
