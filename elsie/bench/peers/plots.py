"""The density sweep as a drawing."""

from pathlib import Path

from elsie.bench.peers.sweep import DENSE_MACS, Point
from elsie.plotting import axes_of


def draw(points: list[Point], file: Path) -> None:
    """Cycles of network L over density, and up to where unrolled logic fits."""
    density = [point.density for point in points]
    with axes_of(file, label="cycles for one inference of L") as axes:
        axes.plot(density, [p.wide for p in points], marker="o", label="Elsie, 16 PEs")
        axes.plot(density, [p.narrow for p in points], marker="o", label="Elsie, 4 PEs")
        axes.plot(
            density, [p.wide_dense for p in points], linestyle="--", label="Elsie, 16 PEs, dense"
        )
        axes.plot(
            density,
            [p.peak for p in points],
            linestyle=":",
            label=f"a dense array of {DENSE_MACS} MACs at its peak",
        )
        fits = [point.density for point in points if point.unrolled_fits]
        if fits:
            axes.axvspan(0, fits[-1], alpha=0.15, label="unrolled logic fits an LFE5U-85F")
        axes.set_xlabel("share of weights that are not zero")
        axes.set_yscale("log")
        axes.set_xlim(0, 1)
        axes.legend(fontsize="small")
