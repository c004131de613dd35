"""The benchmark as drawings: the layers beside each other, or utilisation over queue or PEs."""

from pathlib import Path
from typing import Literal

from elsie.bench.eie.measure import Row
from elsie.plotting import axes_of

Axis = Literal["queue", "pes"]
CAUSES = {
    "useful": "useful",
    "padding": "padding",
    "empty_column": "empty column",
    "empty_queue": "empty queue",
    "full_queue": "full queue",
    "turns": "turns",
    "imbalance": "imbalance",
    "start_up": "start-up",
    "drain": "drain",
}
"""Where a PE's cycles go (golden.timing.losses), in words."""


def draw(rows: list[Row], folder: Path) -> list[Path]:
    """SVGs, named after scheme and balance; returns the files.

    One for each of PEs and queue that takes more than one value; else bars, one for each layer.
    """
    files = []
    scheme = "-".join(filter(None, (rows[0].scheme, rows[0].balanced)))
    axes: dict[Axis, str] = {"queue": "jobs that may wait in a queue", "pes": "PEs"}
    for axis, label in axes.items():
        if len({getattr(row, axis) for row in rows}) > 1:
            files.append(folder / f"eie-{scheme}-{axis}.svg")
            _curves(rows, axis, label, files[-1])
    if not files:
        files = [folder / f"eie-{scheme}-layers.svg", folder / f"eie-{scheme}-losses.svg"]
        _compared(rows, files[0])
        _losses(rows, files[1])
    return files


def _curves(rows: list[Row], axis: Axis, label: str, file: Path) -> None:
    """A line for each layer and value of the other axis."""
    other: Axis = "pes" if axis == "queue" else "queue"
    several = len({getattr(row, other) for row in rows}) > 1 and axis == "queue"
    with axes_of(file, label="useful utilisation") as axes:
        for layer, second in dict.fromkeys(
            (row.layer, getattr(row, other) if several else None) for row in rows
        ):
            points = sorted(
                (getattr(row, axis), row.useful_utilisation)
                for row in rows
                if row.layer == layer and second in (None, getattr(row, other))
            )
            name = f"{layer}, {other} {second}" if several else layer
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        axes.set_xscale("log", base=2)
        axes.set_xlabel(label)
        axes.set_ylim(0, 1)
        axes.legend(fontsize="small", ncols=2)


def _compared(rows: list[Row], file: Path) -> None:
    """Useful utilisation: ours, EIE's scheme on the same data, EIE's paper."""
    series = {
        "Elsie": [row.useful_utilisation for row in rows],
        "EIE's scheme, same data": [row.eie_scheme_utilisation for row in rows],
        "EIE, published": [row.eie_paper_utilisation for row in rows],
    }
    if rows[0].scheme == "eie":
        del series["Elsie"]
    shown = {
        name: [value or 0.0 for value in values]
        for name, values in series.items()
        if any(value is not None for value in values)
    }
    width = 0.8 / len(shown)
    with axes_of(file, label="useful utilisation") as axes:
        for n, (name, values) in enumerate(shown.items()):
            places = [place + (n - (len(shown) - 1) / 2) * width for place in range(len(rows))]
            axes.bar(places, values, width, label=name)
        axes.set_xticks(range(len(rows)), [row.layer for row in rows])
        axes.set_ylim(0, 1.15)
        axes.legend(fontsize="small", ncols=3, loc="upper center")


def _losses(rows: list[Row], file: Path) -> None:
    """What is lost, by cause, as shares of all PE-cycles."""
    below = [0.0] * len(rows)
    with axes_of(file, label="% of PE-cycles lost") as axes:
        for cause, name in CAUSES.items():
            if cause == "useful" or not any(row.losses[cause] for row in rows):
                continue
            shares = [100 * row.losses[cause] / (row.pes * row.cycles_golden) for row in rows]
            axes.bar(range(len(rows)), shares, 0.6, bottom=below, label=name)
            below = [base + share for base, share in zip(below, shares, strict=True)]
        axes.set_xticks(range(len(rows)), [row.layer for row in rows])
        axes.legend(fontsize="small")
