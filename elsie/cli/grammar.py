"""Pieces of the command line's grammar that commands share."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

_T = TypeVar("_T")
Steps: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where commands are added."""


def add_command(
    steps: Steps,
    name: str,
    summary: str,
    *examples: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """One command with its examples and --json; `run` does the work and returns an exit code."""
    command = steps.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)
    return command


def positive(text: str) -> int:
    """A count of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def add_net(command: argparse.ArgumentParser) -> None:
    """The compiled network."""
    command.add_argument("net", metavar="NET", type=Path, help="compiled network")


def add_input(command: argparse.ArgumentParser) -> None:
    """The data."""
    command.add_argument(
        "--input",
        metavar="DATA",
        type=Path,
        required=True,
        help=".npz with inputs x (samples, n_in) and optionally labels y; or .npy; for LSTM and "
        "GRU x (samples, steps, n_in) and optionally lengths; for convolutions x (samples, "
        "channels, rows, columns), or with the axes of the model's file, or flat",
    )


def add_board(
    command: argparse.ArgumentParser,
    *,
    what: str = "the board",
    required: bool = False,
    default: str | None = None,
) -> None:
    """The board; its name is checked by the command, so that the grammar needs no list."""
    command.add_argument(
        "--board",
        metavar="BOARD",
        required=required,
        default=default,
        help=f"{what}; 'elsie boards' lists them" + (f" (default: {default})" if default else ""),
    )


def add_out(command: argparse.ArgumentParser, metavar: str, what: str) -> None:
    """Where the result goes."""
    command.add_argument(
        "-o", "--out", metavar=metavar, type=Path, required=True, help=f"{what} to write"
    )


def add_seed(command: argparse.ArgumentParser) -> None:
    """Of place and route."""
    command.add_argument(
        "--seed", type=positive, default=1, help="seed of place and route (default: 1)"
    )


def add_weights(
    command: argparse.ArgumentParser, *, default: str | None = None, auto: str | None = None
) -> None:
    """The kinds of weights; the compiler knows their names. `auto`: what that word means."""
    command.add_argument(
        "--weights",
        metavar="KIND[:BITS]",
        default=default,
        help="alphabet of weights: codebook, fixed, log, log-sqrt2, ternary, twn, ttq or binary, "
        "and bits of a code; then LAYER=KIND[:BITS],... for other layers (codebook:4,fc2=twn)"
        + (f"; auto: {auto}" if auto else ""),
    )


def add_effort(command: argparse.ArgumentParser) -> None:
    """How much work goes into keeping the accuracy; the compiler knows the names."""
    command.add_argument(
        "--effort",
        choices=["none", "fast", "normal", "best"],
        default="fast",
        help="keep the accuracy without labels: by least squares (fast), and by distillation from "
        "the dense network (normal), while the density falls in steps (best); none only rounds "
        "(default: fast)",
    )


def add_structure(command: argparse.ArgumentParser, *, auto: str | None = None) -> None:
    """Fewer neurons, and low-rank factors. `auto`: what that word means."""
    more = f"; auto: {auto}" if auto else ""
    command.add_argument(
        "--neurons",
        type=or_auto(share) if auto else share,
        metavar="SHARE",
        help="first drop whole neurons, and keep this share: one number, or LAYER=SHARE,...; 1 "
        f"only takes out useless ones. --density then counts the weights that are left{more}",
    )
    command.add_argument(
        "--rank",
        type=or_auto(rank) if auto else rank,
        metavar="R",
        help="first split fully connected layers in two with R columns between, or below 1 with "
        f"this share of the weights: one number, or LAYER=R,...{more}",
    )


def or_auto(numbers: Callable[[str], _T]) -> "Callable[[str], _T | str]":
    """What `numbers` takes, or the word auto."""

    def either(text: str) -> "_T | str":
        try:
            return text if text == "auto" else numbers(text)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{error}, nor auto") from None

    return either


def share(text: str) -> float | dict[str, float]:
    """One share, or NAME=SHARE,NAME=SHARE."""
    return _by_layer(text, float)


def rank(text: str) -> float | dict[str, float]:
    """One rank, or NAME=RANK,NAME=RANK; digits alone are an integer."""
    return _by_layer(text, lambda one: int(one) if one.strip().isdecimal() else float(one))


def _by_layer(text: str, number: Callable[[str], float]) -> float | dict[str, float]:
    try:
        if "=" not in text:
            return number(text)
        pairs = [item.split("=") for item in text.split(",")]
        values = {name: number(value) for name, value in pairs}
        if len(values) < len(pairs):
            raise ValueError("a layer is named twice")
        return values
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number nor LAYER=NUMBER,LAYER=NUMBER with each layer once"
        ) from None


def add_balanced(command: argparse.ArgumentParser) -> None:
    """How to prune: plainly when it is left out."""
    command.add_argument(
        "--balanced",
        nargs="?",
        choices=["pe", "column"],
        const="column",
        help="prune so that all PEs keep the same number of weights (pe: ESE's), in every column "
        "too (column: what --balanced alone means)",
    )
