"""`elsie demo`."""

import argparse

from elsie.cli import output
from elsie.cli.compile import describe_accuracy, describe_size
from elsie.cli.paths import check_directory
from elsie.cli.simulate import describe as describe_simulation
from elsie.demo import Demo, demo


def run(options: argparse.Namespace) -> int:
    """Everything; exit code 0 only if all of it held."""
    check_directory(options.out)
    output.note(
        f"digits -> {options.board}: compile, simulate {options.inferences} inferences, build"
    )
    with output.progress("simulating the RTL", "inferences") as update:
        found = demo(
            board=options.board,
            weights=options.weights,
            inferences=options.inferences,
            out=options.out,
            seed=options.seed,
            say=output.note,
            progress=update,
        )
    output.result(found.values, as_json=options.json, text=lambda: _describe(found))
    return 0 if found.held else 1


def _describe(found: Demo) -> None:
    values = found.values
    print()
    describe_accuracy(values["accuracy"])
    describe_size(values)
    describe_simulation({**values["rtl"], **values})
    print()
    print(found.report.table())
    print()
    print("Everything held." if found.held else "NOT everything held.")
