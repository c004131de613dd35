"""The curves as drawings: useful utilisation over queue depth, or over PEs."""

from pathlib import Path
from typing import Any

from golden.errors import ElsieError


def require() -> None:
    """Raise ElsieError when matplotlib is missing; to be asked before the work begins."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ElsieError(
            "plots need matplotlib; install it with: pip install elsie[plots]"
        ) from None


def draw(rows: list[dict[str, Any]], folder: Path) -> list[Path]:
    """One SVG for each of PEs and queue that takes more than one value; returns the files."""
    require()
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for axis, label in (("queue", "jobs that may wait in a queue"), ("pes", "PEs")):
        if len({row[axis] for row in rows}) > 1:
            files.append(folder / f"eie-{rows[0]['scheme']}-{axis}.svg")
            _curves(rows, axis, label, files[-1])
    return files


def _curves(rows: list[dict[str, Any]], axis: str, label: str, file: Path) -> None:
    """A line for each layer and value of the other axis."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "elsie"  # the same file for the same figures
    from matplotlib import pyplot

    other = "pes" if axis == "queue" else "queue"
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    several = len({row[other] for row in rows}) > 1
    for layer, second in dict.fromkeys((row["layer"], row[other]) for row in rows):
        points = sorted(
            (row[axis], row["useful_utilisation"])
            for row in rows
            if row["layer"] == layer and row[other] == second
        )
        name = f"{layer}, {other} {second}" if several else layer
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xlabel(label)
    axes.set_ylabel("useful utilisation")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
