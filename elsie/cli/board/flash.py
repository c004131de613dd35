"""`elsie flash`."""

import argparse
import shlex
from pathlib import Path

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "flash",
        "load a bitstream onto its board",
        "elsie flash build/model",
        "elsie flash build/model --keep --dry-run",
        run=run,
    )
    command.add_argument("folder", metavar="DIR", type=Path, help="what 'elsie build' wrote")
    command.add_argument(
        "--keep",
        action="store_true",
        help="write the board's flash memory, which keeps it without power; boards that load "
        "nothing else do so anyway",
    )
    command.add_argument(
        "--dry-run", action="store_true", help="only print the command that would run"
    )


def run(options: argparse.Namespace) -> int:
    """Load the bitstream; a dry run says how."""
    import elsie

    done = elsie.flash(
        options.folder, keep=options.keep, dry_run=options.dry_run, progress=output.note
    )

    def text() -> None:
        if not done.loaded:
            print(shlex.join(done.command))
            return
        memory = "flash memory" if done.kept else "FPGA, until power is off"
        output.line("loaded", f"{done.bitstream} into {done.board}'s {memory}")
        if done.loads != "nothing":
            output.line("then load", f"{done.loads}, with 'elsie load NET'")

    output.result(done, as_json=options.json, text=text)
    return 0
