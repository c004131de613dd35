"""Entry point of the `elsie` command."""

import argparse
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from elsie import __version__
from elsie.own import foreign_package

COMMANDS = (
    *("demo", "train", "compile", "predict", "profile", "simulate"),
    *("board.build", "board.flash", "board.load", "board.run", "board.monitor"),
    *("board.board_sim", "verilog", "bench"),
    *("about.boards", "about.doctor"),
)
"""Modules of elsie.cli, each with `add(steps)`, its grammar, and `run(options)`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0: done, and every check passed. 1: a check failed, a goal such as --max-drop was missed, or
    nobody reads the output any more.
    2: bad input, or a tool or place that is of no use; reported in one sentence.
    128 + N: ended by signal N (130: Ctrl-C, 143: SIGTERM), without leftovers.
    """
    _open_streams()
    if sentence := foreign_package():
        print(f"elsie: {sentence}", file=sys.stderr)
        return 2

    def work() -> int:
        given = sys.argv[1:] if arguments is None else list(arguments)
        _refuse_empty(given)
        return _run(parser().parse_args(given))

    return _guard(work)


def _refuse_empty(given: Sequence[str]) -> None:
    """Raise ElsieError for an argument without a character: some would be taken for none."""
    from golden.errors import ElsieError

    for before, word in zip(["", *given], given, strict=False):
        option = word[:-1] if word.startswith("--") and word.endswith("=") else ""
        if option or not word:
            what = option or (before if before.startswith("-") else "an argument")
            raise ElsieError(f"{what} is empty; is it a shell variable that is not set?")


def _run(options: argparse.Namespace) -> int:
    """Run the command; arguments of the library are named as the options that were typed."""
    from golden.errors import ArgumentError, ElsieError

    try:
        return options.run(options)
    except ArgumentError as error:
        names = {name: f"--{name.replace('_', '-')}" for name in vars(options)}
        raise ElsieError(error.named(names)) from None


def _open_streams() -> None:
    """Open what was closed, or the next file would take its number and get what is meant for it."""
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        os.open(os.devnull, os.O_WRONLY)
    if sys.stderr is None:
        os.open(os.devnull, os.O_WRONLY)
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def parser() -> argparse.ArgumentParser:
    """The whole grammar. The commands import numpy, Amaranth and ONNX only when they run."""
    top = argparse.ArgumentParser(
        prog="elsie",
        description="A sparse neural-network engine for FPGAs, from a trained model to a "
        "bitstream, with open tools only.",
        epilog="examples:\n  elsie demo\n  elsie compile --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"elsie {__version__}")
    steps = top.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"elsie.cli.{name}").add(steps)
    return top


def _guard(work: Callable[[], int]) -> int:
    """Do a command's work and return its exit code; what it raises becomes a sentence.

    A request to stop counts however it arrives: raised, or turned into something else on the way.
    """
    from toolchain import stopping  # only now is it known to be Elsie's own

    if sys.stdout is None or sys.stdout.closed:
        _say("standard output is closed, and the result goes there; use >/dev/null to drop it")
        return 2
    try:
        with stopping.heeded():
            try:
                code = work()
            except SystemExit:  # argparse has printed help
                sys.stdout.flush()
                raise
            sys.stdout.flush()
            stopping.check()
            return code
    except BaseException as error:
        return _explain(error)


def _explain(error: BaseException) -> int:
    """The exit code for an exception, after saying what it means."""
    from golden.errors import ElsieError
    from toolchain import stopping

    number = stopping.asked() or (signal.SIGINT if isinstance(error, KeyboardInterrupt) else None)
    if number is not None:
        interrupted = number == signal.SIGINT
        _say("interrupted" if interrupted else f"ended by {signal.Signals(number).name}")
        return 128 + number
    match error:
        case ElsieError():
            _say(str(error))
            return error.exit_code
        case AssertionError():
            _say(f"the simulated engine failed a check of its own: {error}")
            return 1
        case BrokenPipeError():
            _to_nowhere(sys.stdout)  # the reader of our output has gone: say nothing
            return 1
        case OSError():
            _to_nowhere(sys.stdout)
            _say(f"{error.filename or 'output'}: {error.strerror or error}")
            return 2
    raise error


def _say(sentence: str) -> None:
    """A sentence on standard error, as far as there is one."""
    try:
        print(f"elsie: {sentence}", file=sys.stderr, flush=True)
    except OSError:
        _to_nowhere(sys.stderr)


def _to_nowhere(stream: Any) -> None:
    """Drop what `stream` still holds, so that Python does not complain of it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
