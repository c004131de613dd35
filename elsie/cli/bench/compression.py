"""`elsie bench compression`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, positive
from elsie.cli.paths import check_directory
from golden.errors import ElsieError

if TYPE_CHECKING:
    from elsie.bench.compression.measure import Mean


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _alphabets(text: str) -> list[str]:
    """Split at commas, but LAYER=KIND belongs to the alphabet before it."""
    found: list[str] = []
    for name in _names(text):
        if "=" in name and found:
            found[-1] += f",{name}"
        else:
            found.append(name)
    return found


def _densities(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of densities; write 1,.3,.1"
        ) from None


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "compression",
        "accuracy, size and cycles of networks compressed without labels, at every density",
        "elsie bench compression",
        "elsie bench compression --density .15 --effort none,fast --alphabets log:4 --json",
        "elsie bench compression a.onnx b.onnx --calibrate calibrate.npz --test test.npz",
        run=run,
    )
    command.add_argument(
        "models",
        metavar="MODEL.onnx",
        nargs="*",
        type=Path,
        help="networks of one shape, whose mean and spread are shown (default: digits)",
    )
    command.add_argument(
        "--calibrate", metavar="DATA", type=Path, help="inputs (default: those of digits)"
    )
    command.add_argument(
        "--test", metavar="DATA", type=Path, help="inputs and labels (default: those of digits)"
    )
    command.add_argument(
        "--density",
        metavar="LIST",
        type=_densities,
        default="1,.3,.15,.1,.05",
        help="shares of weights; 1 keeps the model's own zeros (default: 1,.3,.15,.1,.05)",
    )
    command.add_argument(
        "--effort",
        metavar="LIST",
        type=_names,
        default="none,fast,normal,best",
        help="see elsie compile (default: none,fast,normal,best)",
    )
    command.add_argument(
        "--alphabets",
        metavar="LIST",
        type=_alphabets,
        default="codebook:4,log:4,fixed:8",
        help="see --weights of elsie compile; LAYER=KIND,... belong to the one before them "
        "(default: codebook:4,log:4,fixed:8)",
    )
    command.add_argument(
        "--pes", type=positive, default=4, metavar="N", help="processing elements (default: 4)"
    )
    command.add_argument(
        "--rtl",
        action="store_true",
        help="run the RTL on two samples, too, for each network and alphabet (a C++ compiler)",
    )
    command.add_argument(
        "--plot", metavar="DIR", type=Path, help="draw accuracy against bits and cycles, as SVG"
    )


def run(options: argparse.Namespace) -> int:
    """Measure, and print the rows, or for people their means."""
    from elsie.bench.compression.measure import Plan, summary
    from elsie.bench.compression.measure import run as measure
    from elsie.bench.compression.plot import draw
    from elsie.demo import DIGITS
    from elsie.plotting import require

    if options.models and not (options.calibrate and options.test):
        raise ElsieError("networks of your own need --calibrate and --test; give both files")
    if options.plot:
        check_directory(options.plot)
        require()
    plan = Plan(
        models=options.models or [DIGITS / "digits.onnx"],
        calibrate=options.calibrate or DIGITS / "calibrate.npz",
        test=options.test or DIGITS / "test.npz",
        densities=options.density,
        efforts=options.effort,
        alphabets=options.alphabets,
        pes=options.pes,
        rtl=options.rtl,
    )
    with output.progress("compressing", "rows") as update:
        rows = measure(plan, update)
    means = summary(rows)
    if options.plot:
        draw(means, options.plot)
    values = {"pes": plan.pes, "rows": rows, "means": means}
    output.result(values, as_json=options.json, text=lambda: _describe(means))
    return int(any(row.rtl_equal is False for row in rows))


def _describe(means: "list[Mean]") -> None:
    """A line for each way to compress."""
    heads = ["alphabet", "density", "effort", "float", "golden", "spread"]
    heads += ["file", "x", "on chip", "x", "cycles", "seconds"]
    shown = [
        [
            row.alphabet,
            f"{row.density:g}",
            row.method,
            f"{row.accuracy_float:.2f}",
            f"{row.accuracy_golden:.2f}",
            f"{row.spread:.2f}",
            f"{row.file_bytes:,.0f}",
            f"{row.ratio_file:.1f}",
            f"{row.onchip_bits / 8:,.0f}",
            f"{row.ratio_onchip:.1f}",
            f"{row.cycles:,.0f}",
            f"{row.seconds:.2f}",
        ]
        for row in means
    ]
    output.table(heads, shown)
    print(
        f"percent of the test data right, mean and standard deviation of {means[0].models} "
        f"networks; bytes; times smaller than 32-bit float; CPU seconds"
    )
