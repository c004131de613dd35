"""Pieces of the command line's grammar that its parts share; nothing slow is imported here."""

import argparse


def add_command(
    steps: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    *examples: str,
) -> argparse.ArgumentParser:
    """One command with its examples, and --json."""
    command = steps.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    return command


def positive(text: str) -> int:
    """A count of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def add_balanced(command: argparse.ArgumentParser) -> None:
    """How to prune: plainly when it is left out."""
    command.add_argument(
        "--balanced",
        nargs="?",
        choices=["pe", "column"],
        const="column",
        help="prune so that every PE keeps as many weights (pe: ESE's), in every column too "
        "(column: what --balanced alone means)",
    )
