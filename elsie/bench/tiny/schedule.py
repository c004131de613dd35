"""What each PE does when, on maps: a drawing of some cycles of a layer, from the RTL's trace.

`python -m elsie.bench.tiny.schedule NET --input X --layer 1 --cycles 0 400 -o DIR`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import elsie
from elsie.bench.ese.schedule import spans
from elsie.plotting import figure_of, require
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.places import Places
from golden.timing.schedule import Latencies
from golden.timing.trace import Trace

Ints = NDArray[np.int64]
SHOWN = 4
"""The most PEs that are drawn: those of the first group."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """Issue cycles of a PE for one output row: of entries sent in its state, or of its drain."""

    pe: int
    number: int
    """Of the output row; below 0 before the map's first."""
    drain: bool
    cycles: Ints


def rows(network: Network, trace: Trace, layer: int) -> Iterator[Row]:
    """A layer's issue cycles in the first group."""
    config = network.config
    place = Places.of(config, network.layers, as_shape(network.input_shape)).every[layer]
    begin, end = span(trace, layer)

    def of(kind: str, unit: int) -> Ints:
        events = trace.events[kind]
        here = (events[:, 0] >= begin) & (events[:, 0] < end) & (events[:, 1] == unit)
        return events[here, 0]

    # A drain's last step, by what it leaves behind.
    ends = of("length", 0) - Latencies.of(config).result - 1
    pool = place.target.convolution.pool[0]
    for pe in range(min(SHOWN, config.group_size(0))):
        issues, steals = of("issue", pe), of("steal", pe)
        # A PE takes a token when no entry is left after that cycle.
        state = np.searchsorted(of("token", pe), issues) - 1 - place.lead
        drain = pool * np.searchsorted(ends, steals)
        for kind, cycles, number in ((False, issues, state), (True, steals, drain)):
            for each in np.unique(number):
                found = cycles[number == each]
                yield Row(pe=pe, number=int(each), drain=kind, cycles=found)


def span(trace: Trace, layer: int) -> tuple[int, int]:
    """The first cycle of a layer and that of the next."""
    starts = [*trace.events["layer"][:, 0].tolist(), trace.cycles + 1]
    return starts[layer], starts[layer + 1]


def draw(
    network: Network, trace: Trace, folder: Path, *, layer: int, cycles: tuple[int, int]
) -> Path:
    """An SVG of `cycles`, first and last, of a layer; returns the file."""
    name = network.layers[layer].name
    file = folder / f"maps-schedule-{network.name}-{name}.svg".lower().replace("_", "-")
    begin, end = span(trace, layer)
    first, last = begin + cycles[0], min(begin + cycles[1], end)
    pes = min(SHOWN, network.config.group_size(0))
    with figure_of(file, height=1.3 + 0.34 * (pes + 1)) as figure:
        axes = figure.subplots()
        axes.set_xlim(0, last - first)
        axes.set_xlabel(f"cycles, from cycle {cycles[0]:,} of layer {name} on", fontsize="small")
        sent = _within(trace.events["broadcast"][:, 0], first, last)
        axes.broken_barh(spans(sent), (-0.28, 0.56), color="0.55", linewidth=0)
        for row in rows(network, trace, layer):
            _bars(axes, row, first, last)
        _tokens(axes, trace, first, last, pes)
        for cycle, source, number in trace.events["row"].tolist():
            if first <= cycle < last:
                axes.axvline(cycle - first, color="0.75", linewidth=0.5, zorder=0)
                text = f"row {number}" if source == 0 else f"row {number}'"
                axes.text(cycle - first + 1, -0.45, text, fontsize="xx-small", va="bottom")
        axes.set_yticks(range(pes + 1), ["broadcasts", *(f"PE {pe}" for pe in range(pes))])
        axes.tick_params(labelsize="small")
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(pes + 0.6, -1.0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        figure.suptitle(_caption(network, layer, pes), fontsize="small")
    return file


def _within(cycles: Ints, first: int, last: int) -> Ints:
    return cycles[(cycles >= first) & (cycles < last)] - first


def _bars(axes: Any, row: Row, first: int, last: int) -> None:
    """Low bars for entries, tall ones for steps of drains; the colour is the output row's."""
    from matplotlib import colormaps

    shade = colormaps["tab10"](row.number % 10)[:3]
    colour = shade if row.drain else tuple(0.45 + 0.55 * part for part in shade)
    height = 0.84 if row.drain else 0.5
    lane = row.pe + 1 - height / 2
    bars = spans(_within(row.cycles, first, last))
    axes.broken_barh(bars, (lane, height), color=colour, linewidth=0)


def _tokens(axes: Any, trace: Trace, first: int, last: int, pes: int) -> None:
    """A black line where a PE takes a token."""
    tokens = trace.events["token"]
    for pe in range(pes):
        taken = _within(tokens[tokens[:, 1] == pe, 0], first, last)
        axes.vlines(taken + 0.5, pe + 0.55, pe + 1.45, color="black", linewidth=0.8)


def _caption(network: Network, layer: int, pes: int) -> str:
    """What was run, and what is what."""
    config = network.config
    which = f"{config.pes} PEs" if pes == config.pes else f"PEs 0 to {pes - 1} of {config.pes}"
    return (
        f"{network.name}, layer {network.layers[layer].name}, {which}; trace of the RTL, which "
        f"equals the golden model's\nlow: entries, by the state in which they were sent; tall: "
        f"steps of a drain, by output row; black: a token is taken"
    )


def main() -> None:
    """Simulate one sample and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", type=Path)
    parser.add_argument("--input", type=Path, required=True, help="a file of inputs; the first one")
    parser.add_argument("--layer", type=int, default=0)
    parser.add_argument("--cycles", type=int, nargs=2, default=(0, 400), metavar=("FIRST", "LAST"))
    parser.add_argument("-o", "--out", type=Path, default=Path("."))
    options = parser.parse_args()
    require()
    network = elsie.load(options.net)
    x, _, _ = elsie.load_data(options.input, network, labels=False)
    (done,) = elsie.simulate(network, x[:1]).inferences
    assert done.trace_equal, done.difference
    first, last = options.cycles
    print(draw(network, done.trace, options.out, layer=options.layer, cycles=(first, last)))


if __name__ == "__main__":
    main()
