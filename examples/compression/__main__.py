"""The table of what compression reaches.

Run `python -m examples.compression`, with the extras `digits` and `mnist`: it takes an
hour or two on one core, as five networks of each shape are trained. Every finished row is kept in
build/compression, and a second run goes on where the first was ended. `--only TEXT` does the bars
with this in their title, `--quick` some on one network, in seconds.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from elsie.bench.compression.recipes import Case
from elsie.bench.compression.rows import row
from elsie.cli import output
from examples.compression.bars import BARS, QUICK, Bar
from examples.compression.kept import kept, told
from examples.compression.networks import cases
from golden.errors import ElsieError

BUILD = Path("build/compression")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m examples.compression", description=__doc__)
    parser.add_argument("--json", action="store_true", help="rows and bars for machines")
    parser.add_argument("--quick", action="store_true", help="few bars, one network, no RTL")
    parser.add_argument("--only", metavar="TEXT", default="", help="bars with this in their title")
    parser.add_argument("--networks", metavar="N", type=int, default=5, help="seeds (default: 5)")
    parser.add_argument(
        "--build", metavar="DIR", type=Path, default=BUILD, help=f"default: {BUILD}"
    )
    options = parser.parse_args(arguments)
    bars = [bar for bar in (QUICK if options.quick else BARS) if options.only in bar.title]
    try:
        rows, results = measured(bars, options)
    except ElsieError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    output.result(
        {"rows": rows, "bars": results}, as_json=options.json, text=lambda: describe(results)
    )
    return int(not all(result["held"] for result in results) or any_wrong(rows))


def measured(
    bars: list[Bar], options: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All rows, each once, and what each bar reached."""
    rows: dict[str, dict[str, Any]] = {}
    results, checked, count = [], set(), 1 if options.quick else options.networks
    networks: dict[str, list[Case]] = {}
    with output.progress("compressing", "bars") as update:
        for number, bar in enumerate(bars):
            if bar.networks not in networks:
                networks[bar.networks] = cases(
                    bar.networks, options.build, count, labels=not options.quick
                )
            keys = []
            for case in networks[bar.networks]:
                keys.append(repr((bar.networks, case.name, *told(bar.recipe))))
                if keys[-1] not in rows:
                    rtl = not options.quick and bar.recipe.alphabet not in checked
                    checked.add(bar.recipe.alphabet)
                    make = partial(row, case, bar.recipe, rtl=rtl)
                    folder = None if options.quick else options.build / "rows"
                    rows[keys[-1]] = kept(keys[-1], folder, make)
            results.append(bar.reached([rows[key] for key in keys]))
            update(number + 1, len(bars))
    return list(rows.values()), results


def any_wrong(rows: list[dict[str, Any]]) -> bool:
    """Golden and RTL differ somewhere."""
    return any(one["rtl_equal"] is False for one in rows)


def describe(results: list[dict[str, Any]]) -> None:
    """A line for each bar."""
    heads = ["bar", "nets", "ask", "reached", "spread", "lost", "seconds", ""]
    shown = [
        [
            one["bar"],
            str(one["networks"]),
            f"{one['ask']:g}" + (f", lost {one['lost_ask']:g}" if one["lost_ask"] else ""),
            f"{one['reached']:.2f}",
            f"{one['spread']:.2f}",
            f"{one['lost']:.2f}",
            f"{one['seconds']:.1f}",
            "holds" if one["held"] else "not yet",
        ]
        for one in results
    ]
    output.table(heads, shown)
    print("mean and standard deviation over networks; points lost beside float; CPU seconds")


if __name__ == "__main__":
    sys.exit(main())
