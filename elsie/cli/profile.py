"""`elsie profile`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_input, add_net
from elsie.cli.paths import check_directory

if TYPE_CHECKING:
    from elsie.profiling.results import LayerProfile, Profile


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "profile",
        "show layer by layer where a network differs from the float one",
        "elsie profile model.elsie --input test.npz",
        "elsie profile model.elsie --input test.npz --model model.onnx --plot build/profile",
        run=run,
    )
    add_net(command)
    add_input(command)
    command.add_argument(
        "--model",
        metavar="MODEL.onnx",
        type=Path,
        help="the float network that it was compiled from (default: the network's own weights, "
        "so that only activations differ)",
    )
    command.add_argument(
        "--output", metavar="NAME", help="the model's output that was used, if it has several"
    )
    command.add_argument(
        "--plot", metavar="DIR", type=Path, help="draw every layer's values into NET's name.svg"
    )


def run(options: argparse.Namespace) -> int:
    """Compare, print the table and what is wrong, draw."""
    if options.plot:
        from elsie import plotting

        plotting.require()
        check_directory(options.plot)
    network = elsie.load(options.net)
    data = elsie.load_data(options.input, network, labels=False)
    found = elsie.profile(
        network, data.x, lengths=data.lengths, model=options.model, output=options.output
    )
    values = found.to_dict()
    if options.plot:
        from elsie.profiling.plot import draw

        values["plot"] = str(draw(found, options.plot / f"{options.net.stem}.svg"))
    for remark in found.remarks:
        output.note(f"warning: {remark}")
    output.result(values, as_json=options.json, text=lambda: _describe(found, values.get("plot")))
    return 0


_HEADERS = ["layer", "frac", "grid", "float 1..99 %", "steps used", "clipped", "dead"]
_HEADERS += ["added", "error", "agreement"]


def _describe(found: "Profile", plot: str | None) -> None:
    """A row for each place."""
    beside = found.model or "its own weights, activations not rounded"
    output.line("network", f"{found.network}, {found.samples} samples, beside {beside}")
    output.table(_HEADERS, [_row(place) for place in found.places])
    output.line("most error added", f"{found.worst.name} ({found.worst.added:.3g})")
    if plot:
        output.line("plot", plot)


def _row(place: "LayerProfile") -> list[str]:
    low, *_, high = place.grid
    spread = place.quantiles["float"]
    same = "" if place.agreement is None else f"{place.agreement:.1f} %"
    return [
        place.name,
        str(place.frac),
        f"{low:.4g}..{high:.4g}",
        f"{spread[1]:.3g}..{spread[-2]:.3g}",
        f"{place.steps}/{place.steps_of}",
        f"{100 * place.clipped:.2f} %",
        f"{100 * place.dead:.1f} %",
        f"{place.added:.3g}",
        f"{place.error:.3g}",
        same,
    ]
