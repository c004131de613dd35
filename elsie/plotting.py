"""Drawings as SVG, the same bytes for the same figures; matplotlib is an extra."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from golden.errors import ElsieError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def require() -> None:
    """Raise ElsieError when matplotlib is missing; call it before the work begins."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ElsieError(
            "plots need matplotlib; install it with: pip install elsie-fpga[plots]"
        ) from None


@contextmanager
def figure_of(file: Path, *, height: float) -> "Iterator[Figure]":
    """A figure to draw on, as matplotlib gives it; then it is written to `file`.

    height: in inches; the width is always 7.5.
    """
    require()
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "elsie"
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(7.5, height), layout="constrained")
    try:
        yield figure
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
    finally:
        pyplot.close(figure)


@contextmanager
def axes_of(file: Path, *, label: str) -> "Iterator[Axes]":
    """The axes of a figure with one diagram; `label` is the vertical axis's."""
    with figure_of(file, height=4.2) as figure:
        axes = figure.subplots()
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        yield axes
