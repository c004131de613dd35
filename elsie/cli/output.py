"""How the command talks: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

_notes = Console(stderr=True, highlight=False, force_terminal=sys.stderr.isatty())


def note(text: str) -> None:
    """One line of progress."""
    _notes.print(text, markup=False, soft_wrap=True)


def clipped(share: float) -> None:
    """A word about inputs that the network's scales do not hold."""
    if share > 0.01:
        note(
            f"warning: {100 * share:.1f} % of the inputs are far beyond the calibration data, and "
            f"are clipped; scale them as those were, or calibrate with such inputs"
        )


def figure(name: str, value: float) -> tuple[str, str]:
    """Name and value of a score: a percentage, but for r2 and rmse."""
    plain = name in ("r2", "rmse")
    return name.replace("_", " "), f"{value:.4g}" if plain else f"{value:.2f} %"


def result(values: dict[str, Any], *, as_json: bool, text: Callable[[], None]) -> None:
    """The result: one JSON object, or what `text` prints for people."""
    if as_json:
        print(json.dumps(values, indent=2))
    else:
        text()


def line(name: str, value: str) -> None:
    """One named figure."""
    print(f"{name:<22} {value}")


def table(headers: list[str], rows: list[list[str]]) -> None:
    """A table on stdout; plain text where that is not a terminal."""
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else 120, force_terminal=terminal)
    shown = Table(*headers, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


@contextmanager
def progress(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, a line at the end otherwise; yields update(done, all)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_notes, disable=not _notes.is_terminal) as bar:
        task = bar.add_task(title)
        last = [0, 0]

        def update(done: int, total: int) -> None:
            last[:] = [done, total]
            bar.update(task, completed=done, total=total)

        yield update
    if not _notes.is_terminal and last[1]:
        note(f"{title}: {last[0]} of {last[1]} {unit}")
