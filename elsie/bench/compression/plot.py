"""The front: accuracy against bits on chip, and against cycles."""

from collections.abc import Sequence
from pathlib import Path

from elsie.bench.compression.measure import Mean
from elsie.plotting import figure_of

NAME = "compression-front.svg"
_PANELS = (("onchip_bits", 1024, "kbit on chip"), ("cycles", 1, "cycles an inference"))
_MARKERS = "osD^vP*X"


def draw(means: Sequence[Mean], folder: Path) -> Path:
    """Draw means; returns the file.

    A line for each effort and alphabet; its points are densities. Bars are the standard deviation
    over the networks.
    """
    lines = list(dict.fromkeys((row.alphabet, row.method) for row in means))
    efforts = list(dict.fromkeys(method for _, method in lines))
    alphabets = list(dict.fromkeys(alphabet for alphabet, _ in lines))
    with figure_of(folder / NAME, height=4.2) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (field, unit, label) in zip(panels, _PANELS, strict=True):
            for alphabet, method in lines:
                chosen = [row for row in means if (row.alphabet, row.method) == (alphabet, method)]
                axes.errorbar(
                    [getattr(row, field) / unit for row in chosen],
                    [row.accuracy_golden for row in chosen],
                    yerr=[row.spread for row in chosen],
                    color=f"C{efforts.index(method)}",
                    marker=_MARKERS[alphabets.index(alphabet) % len(_MARKERS)],
                    linestyle="-" if alphabet == alphabets[0] else "--",
                    markersize=4,
                    linewidth=1,
                    label=f"{alphabet}, {method}",
                )
            axes.set_xscale("log")
            axes.set_xlabel(label)
            axes.grid(alpha=0.3, which="both")
        panels[0].set_ylabel("golden, % right")
        panels[1].legend(fontsize=7, loc="lower right")
    return folder / NAME
