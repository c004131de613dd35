"""Drawings as SVG, the same bytes for the same figures; matplotlib is an extra."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def axes_of(file: Path, *, label: str) -> Iterator[Any]:
    """Axes to draw on, as matplotlib gives them; then they are written to `file`."""
    require()
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "elsie"
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.2), layout="constrained")
    try:
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        yield axes
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
    finally:
        pyplot.close(figure)
