"""Settings beside each other on held-out training data, to choose from; the test data stay unseen.

Run `python -m examples.compression.choices`, with the extras `digits` and `mnist`. Each row is the
mean over the networks of examples.compression.held_out, and the spread of what is lost. Finished
rows are kept in build/compression.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from elsie.bench.compression.recipes import Recipe
from elsie.bench.compression.rows import row
from elsie.cli import output
from examples.compression.held_out import FOLDS, held_out
from examples.compression.kept import kept, told
from examples.compression.recipes import CHOICES, Choice
from golden.errors import ElsieError

BUILD = Path("build/compression")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.compression.choices", description=__doc__
    )
    parser.add_argument("--json", action="store_true", help="rows for machines")
    parser.add_argument("--only", metavar="TEXT", default="", help="what has this in its title")
    parser.add_argument("--networks", metavar="N", type=int, default=FOLDS, help="at most")
    parser.add_argument(
        "--build", metavar="DIR", type=Path, default=BUILD, help=f"default: {BUILD}"
    )
    options = parser.parse_args(arguments)
    try:
        found = [
            {"choice": choice.title, "settings": measured(choice, options.build, options.networks)}
            for choice in CHOICES
            if options.only in choice.title
        ]
    except ElsieError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    output.result({"choices": found}, as_json=options.json, text=lambda: describe(found))
    return 0


def measured(choice: Choice, build: Path, count: int) -> list[dict[str, Any]]:
    """A row for each recipe, the mean over at most `count` networks."""
    networks = held_out(choice.networks, build, count)
    found = []
    with output.progress(choice.title, "networks") as update:
        for number, recipe in enumerate(choice.recipes):
            rows = []
            for nth, case in enumerate(networks):
                key = repr(("held out", choice.networks, case.name, *told(recipe)))
                rows.append(kept(key, build / "rows", partial(row, case, recipe)))
                update(number * len(networks) + nth + 1, len(choice.recipes) * len(networks))
            found.append(mean(recipe, rows))
    return found


def mean(recipe: Recipe, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What its networks' rows come to."""
    lost = [one["accuracy_float"] - one["accuracy_golden"] for one in rows]
    figures = ("accuracy_golden", "ratio_file", "ratio_onchip", "cycles", "seconds")
    return {
        **{name: getattr(recipe, name) for name in ("method", "alphabet", "density", "engine")},
        "networks": len(rows),
        **{name: float(np.mean([one[name] for one in rows])) for name in figures},
        "lost": float(np.mean(lost)),
        "spread": float(np.std(lost)),
    }


def describe(found: Sequence[dict[str, Any]]) -> None:
    """A table for each choice."""
    heads = [
        *("method", "alphabet", "density", "nets", "golden", "lost", "spread"),
        *("file", "on chip", "cycles", "seconds"),
    ]
    for one in found:
        print(one["choice"])
        output.table(
            heads,
            [
                [
                    *(row["method"], row["alphabet"], f"{row['density']:g}", str(row["networks"])),
                    *(f"{row[name]:.2f}" for name in ("accuracy_golden", "lost", "spread")),
                    *(f"{row[name]:.1f}" for name in ("ratio_file", "ratio_onchip")),
                    *(f"{row[name]:.0f}" for name in ("cycles", "seconds")),
                ]
                for row in one["settings"]
            ],
        )


if __name__ == "__main__":
    sys.exit(main())
