"""`elsie bench peers`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command

if TYPE_CHECKING:
    from elsie.bench.peers.compare import Comparison
    from elsie.bench.peers.rows import Row


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "peers",
        "the same layers on the alternatives",
        "elsie bench peers --json",
        "elsie bench peers --plot plots",
        "elsie bench peers --area       # place and route again; some ten minutes",
        run=run,
    )
    command.add_argument(
        "--area",
        action="store_true",
        help="place and route our engines, instead of using known figures",
    )
    command.add_argument(
        "--skip-soft-core", action="store_true", help="leave out the RISC-V cores simulated here"
    )
    command.add_argument("--plot", metavar="DIR", type=Path, help="draw the density sweep as SVG")


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; 1 when a result differs from golden."""
    from elsie import plotting
    from elsie.bench.peers import plots
    from elsie.bench.peers.compare import compare  # imports Amaranth and scipy
    from elsie.cli.paths import check_directory

    if options.plot:
        check_directory(options.plot)
        plotting.require()
    found = compare(area=options.area, soft_cores=not options.skip_soft_core, say=output.note)
    output.result(found, as_json=options.json, text=lambda: _print(found))
    if options.plot:
        plots.draw(found.sweep, file := options.plot / "peers-density.svg")
        output.note(f"drawn: {file}")
    for reason in found.notes:
        output.note(reason)
    for failure in found.failures:
        output.note(f"FAILED: {failure}")
    return 1 if found.failures else 0


def _print(found: "Comparison") -> None:
    """The tables."""
    for name, facts in found.networks.items():
        counts = ", ".join(f"{count:,} {what}" for what, count in facts.items())
        print(f"{name}: {counts}\n")
        output.table(
            ["who", "part", "cycles", "/ MAC", "us", "LUT", "FF", "BRAM", "DSP", "MHz", "source"],
            [_cells(row) for row in found.rows if row.network == name],
        )
        print()
    print(f"CPU: {found.cpu}. Sources in full: --json.\n")
    print("L by density: cycles, and LUTs of unrolled logic\n")
    output.table(
        ["density", "16 PEs", "dense", "16 dense MACs", "4 PEs", "unrolled LUTs", "fits"],
        [
            [
                f"{point.density:g}",
                f"{point.wide:,}",
                f"{point.wide_dense:,}",
                f"{point.peak:,}",
                f"{point.narrow:,}",
                f"{point.unrolled_luts[0]:,}..{point.unrolled_luts[1]:,}",
                "yes" if point.unrolled_fits else "no",
            ]
            for point in found.sweep
        ],
    )
    print()
    for sentence in [*_crossings(found.crossovers), *_processor(found.rows)]:
        print(sentence)


def _cells(row: "Row") -> list[str]:
    """A row of the table; unknown figures are empty."""
    here = row.source.startswith("measured in this run")
    numbers = [row.lut, row.ff, row.bram, row.dsp]
    return [
        row.who,
        row.part,
        "" if row.cycles is None else f"{row.cycles:,}",
        "" if row.cycles_per_mac is None else f"{row.cycles_per_mac:.3g}",
        "" if row.microseconds is None else f"{row.microseconds:,.3g}",
        *("" if number is None else f"{number:,}" for number in numbers),
        "" if row.fmax_mhz is None else f"{row.fmax_mhz:.1f}",
        "this run" if here else "published",
    ]


def _crossings(crossovers: dict[str, float | None]) -> list[str]:
    """Who wins where, in words."""

    def above(name: str) -> str:
        density = crossovers[name]
        return "at no density" if density is None else f"above density {density:g}"

    low, high = crossovers["unrolled_ecp5_low"], crossovers["unrolled_ecp5_high"]
    return [
        f"Unrolled logic (da4ml) wins wherever it fits: on an LFE5U-85F up to density {low}..{high}"
        f" of L, with a result every cycle.",
        f"16 dense MACs a cycle, at their peak and the same clock, beat 16 PEs "
        f"{above('dense_peak_same_clock')}.",
        f"MARLANN's peak on an iCE40 UP5K beats 4 PEs there {above('marlann_up5k')}.",
        f"The dense version of our own 16 PEs is faster {above('own_dense')}.",
    ]


def _processor(rows: "list[Row]") -> list[str]:
    """The CPU beside our engines on L, in words."""
    times = {
        row.who: row.microseconds
        for row in rows
        if row.network == "L" and row.microseconds is not None
    }
    ours = [name for name in times if name.startswith("Elsie")]
    theirs = [row.who for row in rows if row.part == "CPU" and row.who in times]
    if not ours or not theirs:
        return []
    best = min(theirs, key=lambda name: times[name])
    shown = ", ".join(f"{name} {times[name]:.3g} us" for name in ours)
    return [
        f"One inference of L at a time: this CPU at best {times[best]:.3g} us ({best}, the "
        f"call from Python included); {shown}."
    ]
