"""The schedule of a layer's step as a drawing: a diagram for each number of streams."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elsie.bench.ese.layers import LstmLayer
from elsie.bench.ese.measure import Figures
from elsie.bench.ese.schedule import Work, spans, works
from elsie.plotting import figure_of
from golden.timing.trace import Trace

SHOWN = 4
"""The most PEs that are drawn."""
_FINEST = 1000
"""Shorter gaps than this part of a step are not drawn: long steps give no large files."""
_TONES = {("issue", 0): 0.35, ("issue", 1): 0.65, ("operation", 0): 1.0, ("operation", 1): 1.0}
"""How strong a stream's colour is for a kind of event and a layer."""
_WORDS = {
    ("issue", 0): "entries of the gates",
    ("issue", 1): "entries of the projection",
    ("operation", 0): "operations",
}


Run = tuple[Figures, Trace]
"""A measured step."""


def draw(layer: LstmLayer, runs: Sequence[Run], folder: Path) -> Path:
    """An SVG of the same layer's steps with several numbers of streams; returns the file.

    The trace of an RTL must equal golden's: what belongs to which phase is read from the order.
    """
    file = folder / f"ese-schedule-{layer.name.lower().replace('/', '-')}.svg"
    shown = min(SHOWN, runs[0][0].pes)
    last = max(trace.cycles for _, trace in runs)
    gap = last // _FINEST
    with figure_of(file, height=1.2 + len(runs) * (0.9 + 0.32 * (shown + 1))) as figure:
        every = figure.subplots(len(runs), sharex=True, squeeze=False)[:, 0]
        every[-1].set_xlim(0, 1.02 * last)
        every[-1].set_xlabel("cycles since the last input of the step", fontsize="small")
        for run, axes in zip(runs, every, strict=True):
            _diagram(run, axes, shown=shown, gap=gap)
        figure.suptitle(_caption(layer, runs[0][0], shown=shown, gap=gap), fontsize="small")
        _legend(figure, layer, max(figures.streams for figures, _ in runs))
    return file


def _diagram(run: Run, axes: Any, *, shown: int, gap: int) -> None:
    """A lane for broadcasts, and one for each PE; operations are taller than entries."""
    figures, trace = run
    streams = figures.streams
    for work in works(trace, pes=shown):
        lane = 0 if work.pe is None else work.pe + 1
        height = 0.84 if work.kind == "operation" else 0.56
        bars = spans(work.cycles, gap=gap)
        axes.broken_barh(bars, (lane - height / 2, height), color=_colour(work), linewidth=0)
        if work.pe == 0 and work.name:
            _label(axes, work.name, bars, lane)
    for cycle, layer, stream in trace.events["layer"].tolist():
        name = ("gates", "projection")[layer]
        name = f"{name}, {stream}" if streams > 1 else name
        axes.axvline(cycle, color="0.6", linewidth=0.6, zorder=0)
        axes.text(cycle + axes.get_xlim()[1] / 300, -0.62, name, fontsize="x-small", va="bottom")
    axes.axvline(trace.cycles + 1, color="0.6", linewidth=0.6, zorder=0)
    axes.set_yticks(range(shown + 1), ["broadcasts", *(f"PE {pe}" for pe in range(shown))])
    axes.tick_params(labelsize="small")
    axes.set_ylim(shown + 0.6, -1.1)
    title = f"1 stream: {trace.cycles:,} cycles"
    if streams > 1:
        mean = f"{figures.step_cycles:,.1f} a step"
        title = f"{streams} streams in turn: {trace.cycles:,} cycles, {mean}"
    axes.set_title(title, fontsize="small", loc="left")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _label(axes: Any, name: str, bars: list[tuple[int, int]], lane: int) -> None:
    """The pass's name on its operations, where there is room."""
    first, length = bars[0]
    if length >= len(name) * axes.get_xlim()[1] / 200:
        middle = (first + length / 2, lane)
        axes.text(*middle, name, color="white", fontsize="xx-small", ha="center", va="center")


def _colour(work: Work) -> tuple[float, float, float]:
    """The stream's hue, stronger or weaker; broadcasts look like their entries."""
    kind = "issue" if work.kind == "broadcast" else work.kind
    return _tone(work.stream, _TONES[kind, work.layer])


def _tone(stream: int, strength: float) -> tuple[float, float, float]:
    from matplotlib import colormaps

    # A little darker, so that white letters can be read on it.
    red, green, blue = (1 - strength * (1 - 0.88 * p) for p in colormaps["tab10"](stream % 10)[:3])
    return red, green, blue


def _legend(figure: Any, layer: LstmLayer, streams: int) -> None:
    """A column for each stream."""
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(color=_tone(stream, _TONES[what]), label=f"{words}, stream {stream}")
            for stream in range(streams)
            for what, words in _WORDS.items()
            if layer.projected or not what[1]
        ],
        loc="outside lower center",
        ncols=min(streams, 3),
        fontsize="x-small",
        frameon=False,
    )


def _caption(layer: LstmLayer, figures: Figures, *, shown: int, gap: int) -> str:
    """What was run, and whose trace it is."""
    parts = [f"{layer.name}: {layer.n_in} inputs, {layer.cells} cells"]
    if layer.peepholes:
        parts[0] += " with peepholes"
    if layer.projected:
        parts.append(f"projection to {layer.projected}")
    pes = figures.pes
    parts.append(f"{pes} PEs" if shown == pes else f"PEs 0 to {shown - 1} of {pes}")
    golden = figures.trace_equal is None
    source = "golden model" if golden else "RTL, which equals the golden model's"
    rest = [f"Trace of the {source}", f"step {figures.steps} from reset"]
    if gap:
        rest.append(f"gaps of up to {gap} cycles not drawn")
    return f"{', '.join(parts)}\n{'; '.join(rest)}"
