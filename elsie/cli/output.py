"""How the command talks: results on stdout, everything else on stderr."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from golden.record import Record, plain

_notes = Console(stderr=True, highlight=False, force_terminal=sys.stderr.isatty())


def note(text: str) -> None:
    """One line of progress; work goes on when nobody reads it."""
    with suppress(OSError):
        _notes.print(text, markup=False, soft_wrap=True)


_SMALL = 0.01
"""Calibration data reach at least half of what the scales hold."""


def unlike_calibration(clipped: float, largest: float) -> None:
    """A word about inputs that the network's scales do not suit.

    clipped: the share of them that is cut off. largest: of all, as a share of what the scales hold.
    """
    if clipped > 0.01:
        note(
            f"warning: {100 * clipped:.1f} % of the inputs are far outside the calibration "
            f"data's range and are clipped; scale them alike, or calibrate with inputs like these"
        )
    if not largest:
        note("warning: all inputs are 0, so the outputs say nothing about the network")
    elif largest < _SMALL:
        note(
            f"warning: the inputs are far smaller than the calibration data: the largest is "
            f"{largest:.2g} of what the network's scales hold; scale them alike, or calibrate with "
            f"inputs like these"
        )


def figure(name: str, value: float) -> tuple[str, str]:
    """Name and value of a score: a percentage, but for r2 and rmse."""
    plain = name in ("r2", "rmse")
    return name.replace("_", " "), f"{value:.4g}" if plain else f"{value:.2f} %"


def result(values: Record | Mapping[str, Any], *, as_json: bool, text: Callable[[], None]) -> None:
    """The result: one JSON object, or what `text` prints for people."""
    if as_json:
        print(json.dumps(plain(values), indent=2))
    else:
        text()


def line(name: str, value: str) -> None:
    """One named figure."""
    print(f"{name:<22} {value}")


def table(headers: list[str], rows: list[list[str]]) -> None:
    """A table on stdout; plain text where that is not a terminal. The first column is never cut."""
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else 140, force_terminal=terminal)
    first = Column(headers[0], min_width=max(len(row[0]) for row in [headers, *rows]))
    shown = Table(first, *headers[1:], box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


_PERIOD = 30.0
"""Seconds between two lines of progress where there is no terminal."""
_LONG = 60.0
"""Seconds left that make a hint worth while."""


@contextmanager
def progress(
    title: str, unit: str, *, hint: str | None = None
) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, else a line now and then; yields update(done, all).

    hint: what would be faster; said once, when more than a minute is left.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    if not _notes.is_terminal:
        note(f"{title} ...")
    with Progress(*columns, console=_notes, disable=not _notes.is_terminal) as bar:
        task = bar.add_task(title)
        began = said = time.monotonic()
        last, hints = [0, 0], [hint] if hint else []

        def update(done: int, total: int) -> None:
            nonlocal said
            last[:] = [done, total]
            bar.update(task, completed=done, total=total)
            now = time.monotonic()
            left = (now - began) / max(done, 1) * (total - done)
            if hints and left > _LONG:
                note(f"about {left / 60:.0f} min left; {hints.pop()}")
            if not _notes.is_terminal and now - said > _PERIOD and done < total:
                said = now
                note(f"{title}: {done} of {total} {unit}, about {left / 60:.0f} min left")

        yield update
    if not _notes.is_terminal and last[1]:
        note(f"{title}: {last[0]} of {last[1]} {unit}")
