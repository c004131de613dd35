"""What a search says: the front it chose from, and what it was for."""

from collections.abc import Sequence
from dataclasses import replace

from elsie.compress.quality import accuracy_drop
from elsie.compress.search.goal import Goal
from elsie.compress.search.trial import Row
from golden.format.network import Network
from golden.report import Report, Search


def front(rows: Sequence[Row]) -> list[Row]:
    """Rows of which none is at most as large and has less error; the smallest first."""
    found: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.bits, row.relative_error, row.cycles)):
        if not found or row.relative_error < found[-1].relative_error:
            found.append(row)
    return found


def report(
    network: Network,
    *,
    goal: Goal,
    rows: Sequence[Row],
    tried: int,
    chosen: Row,
    cycles: float,
    limit: float,
) -> Network:
    """`network` with `front`, of `rows`, and `search` in its report, and warnings.

    The chosen row has the size and `cycles` of `network` itself, which was made from all samples;
    the others those of networks made to be measured.
    """
    info = network.info
    made = replace(chosen, bits=info.size_bits.stored, cycles=cycles)
    shown = front([made if row is chosen else row for row in rows])
    if made not in shown:
        shown = sorted([*shown, made], key=lambda row: row.bits)
    search = Search(
        budget_bits=None if goal.budget is None else int(limit),
        max_drop=None if goal.max_drop is None else float(goal.max_drop),
        tried=tried,
        samples=chosen.samples,
        held_out=chosen.held_out,
        drop_of="variance" if info.quality.agreement is None else "agreement",
    )
    told = replace(
        info,
        front=tuple(row.shown(chosen=row is made) for row in shown),
        search=search,
        warnings=(*info.warnings, *_missed(info, goal)),
    )
    return replace(network, report=told)


def _missed(info: Report, goal: Goal) -> list[str]:
    """A sentence if the evaluation data, which nothing was chosen by, lose more than the goal."""
    if goal.max_drop is None or not info.figures:
        return []
    drop = accuracy_drop(info.figures)
    if drop <= goal.max_drop:
        return []
    return [
        f"{next(iter(info.figures)).replace('_', ' ')} of the evaluation data falls by {drop:.2f} "
        f"points, and --max-drop allows {goal.max_drop:g}: the search keeps to it on held-out "
        f"calibration samples; give more of them, or a lower --max-drop"
    ]
