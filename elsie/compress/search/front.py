"""What a search says: the front it chose from, and what it was for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from elsie.compress.quality import accuracy_drop
from elsie.compress.search.goal import Goal
from elsie.compress.search.trial import Row
from golden.format.network import Network

_FIGURES = ("accuracy", "exact_match", "label_accuracy", "r2", "rmse")
"""Of evaluation data, in a network's report, the first that there is counts."""


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
) -> dict[str, Any]:
    """`front`, of `rows`, and `search` of a network's report, and its warnings.

    The chosen row has the size and `cycles` of `network` itself, which was made from all samples;
    the others those of networks made to be measured.
    """
    made = replace(chosen, bits=network.info["size_bits"]["stored"], cycles=cycles)
    shown = front([made if row is chosen else row for row in rows])
    if made not in shown:
        shown = sorted([*shown, made], key=lambda row: row.bits)
    return {
        "front": [{**row.to_dict(), "chosen": row is made} for row in shown],
        "search": {
            "budget_bits": None if goal.budget is None else int(limit),
            "max_drop": None if goal.max_drop is None else float(goal.max_drop),
            "tried": tried,
            "samples": chosen.samples,
            "held_out": chosen.held_out,
            "drop_of": "variance" if network.info["quality"]["agreement"] is None else "agreement",
        },
        "warnings": [*network.info["warnings"], *_missed(network.info, goal)],
    }


def _missed(info: Mapping[str, Any], goal: Goal) -> list[str]:
    """A sentence if the evaluation data, which nothing was chosen by, lose more than the goal."""
    figures = {name: info[name] for name in _FIGURES if name in info}
    if goal.max_drop is None or not figures:
        return []
    drop = accuracy_drop(figures)
    if drop <= goal.max_drop:
        return []
    return [
        f"{next(iter(figures)).replace('_', ' ')} of the evaluation data falls by {drop:.2f} "
        f"points, and --max-drop allows {goal.max_drop:g}: the search keeps to it on held-out "
        f"calibration samples; give more of them, or a lower --max-drop"
    ]
