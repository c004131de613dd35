"""The tables that `elsie bench eie` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elsie.bench.eie.measure import Row
from elsie.bench.eie.plots import CAUSES
from elsie.cli import output
from golden.record import Record

_BALANCED = {"pe": "", "column": ", in every column too"}


@dataclass(frozen=True, kw_only=True)
class Results(Record):
    """What is printed."""

    seed: int
    """Of the random layers."""
    balanced: str | None
    """How they were pruned."""
    engines: Sequence[Mapping[str, Mapping[str, int] | str | int | bool]]
    """Every engine that was measured, as EngineConfig's fields."""
    rows: Sequence[Row]
    first_difference: str | None
    """Between RTL and golden."""
    plots: Sequence[str]
    """Files."""


def describe(shown: Results) -> None:
    """Cycles and utilisation; then the losses."""
    rows = shown.rows
    if shown.balanced:
        print(f"pruned so that every PE keeps as many weights{_BALANCED[shown.balanced]}")
        print()
    eie = rows[0].scheme == "eie"
    several = len({(row.pes, row.queue) for row in rows}) > 1
    headers = ["layer", "PEs", "queue", "useful MACs", "cycles"]
    headers += [] if eie else ["RTL", "trace"]
    headers += ["utilisation"] + ([] if eie else ["EIE's scheme"])
    headers += [] if several else ["EIE's paper", "its cycles"]
    output.table(headers, [_line(row, eie=eie, several=several) for row in rows])
    print()
    print("Where the PEs' cycles go, in percent; bound: most entries of a PE / mean")
    causes = [cause for cause in CAUSES if any(row.losses[cause] for row in rows)]
    output.table(
        ["layer", "PEs", "queue", *(CAUSES[cause] for cause in causes), "bound"],
        [_shares(row, causes) for row in rows],
    )
    print()
    if shown.engines:
        slots = ", ".join(str(engine["queue_depth"]) for engine in shown.engines)
        print(f"queue: jobs that may wait before broadcasts are held; slots in all: {slots}.")
    print("utilisation: useful MACs / (PEs x cycles), everything else counted as loss.")
    if not eie:
        print("EIE's scheme: the same data, golden model, queue 8, no start-up and no drain.")
        if shown.balanced:
            print("It deals rows in its own way, for which they were not pruned.")
    if shown.first_difference:
        output.line("first difference", shown.first_difference)
    for file in shown.plots:
        output.line("plot", file)


def _line(row: Row, *, eie: bool, several: bool) -> list[str]:
    cells = [row.layer, row.pes, row.queue, row.useful_macs, row.cycles_golden]
    if not eie:
        equal = {None: "", True: "equal", False: "DIFFERS"}[row.trace_equal]
        cells += [row.cycles_rtl or "", equal]
    cells.append(f"{row.useful_utilisation:.3f}")
    if not eie:
        cells.append(f"{row.eie_scheme_utilisation:.3f}")
    if not several:
        known = row.eie_paper_cycles
        cells += [f"{row.eie_paper_utilisation:.3f}", f"{known:.0f}"] if known else ["", ""]
    return [str(cell) for cell in cells]


def _shares(row: Row, causes: list[str]) -> list[str]:
    every = row.pes * row.cycles_golden
    shares = [f"{100 * row.losses[cause] / every:.2f}" for cause in causes]
    return [
        row.layer,
        str(row.pes),
        str(row.queue),
        *shares,
        f"{row.assignment_bound:.4f}",
    ]
