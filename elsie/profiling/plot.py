"""A profile as a drawing: a panel of values for each layer, with the ends of its grid."""

from pathlib import Path
from typing import Any

from elsie.plotting import figure_of
from elsie.profiling.results import LayerProfile, Profile


def draw(found: Profile, file: Path) -> Path:
    """Write an SVG with a panel for each place, and return its path. Needs matplotlib."""
    with figure_of(file, height=0.6 + 1.5 * len(found.places)) as figure:
        every = figure.subplots(len(found.places), squeeze=False)[:, 0]
        for place, axes in zip(found.places, every, strict=True):
            _panel(place, axes)
        every[0].legend(fontsize="small", frameon=False)
        figure.suptitle(f"{found.network}: values of every layer, {found.samples} samples")
    return file


def _panel(place: LayerProfile, axes: Any) -> None:
    """Counts on a logarithmic axis, as most values are 0; red lines are the grid's ends."""
    shown = place.histogram
    axes.stairs(shown.float, shown.edges, label="float", fill=True, alpha=0.35)
    axes.stairs(shown.golden, shown.edges, label="golden")
    axes.set_yscale("symlog")
    low, high = shown.edges[0], shown.edges[-1]
    for end in place.grid:
        if low <= end <= high:
            axes.axvline(end, color="tab:red", linewidth=1)
    axes.set_ylabel(place.name, fontsize="small")
    same = "" if place.agreement is None else f", agreement {place.agreement:.1f} %"
    axes.set_title(
        f"{place.frac} fraction bits, {100 * place.clipped:.1f} % clipped, "
        f"{100 * place.dead:.1f} % dead, error added {place.added:.3g}{same}",
        fontsize="small",
    )
