"""`elsie simulate`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_command, add_input, add_net, positive
from elsie.cli.paths import check_vcd

if TYPE_CHECKING:
    from sim.summary import Summary


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "simulate",
        "simulate the RTL and compare it with the golden model, event by event",
        "elsie simulate model.elsie --input test.npz --limit 5",
        "elsie simulate model.elsie --input test.npz --compiled",
        "elsie simulate model.elsie --input test.npz --limit 1 --vcd run.vcd "
        "&& gtkwave run.vcd run.gtkw",
        run=run,
    )
    add_net(command)
    add_input(command)
    command.add_argument(
        "--limit", metavar="N", type=positive, help="only the first N samples (default: all)"
    )
    command.add_argument(
        "--vcd", metavar="FILE", type=Path, help="write waveforms, and a .gtkw file beside them"
    )
    command.add_argument(
        "--compiled",
        action="store_true",
        help="simulate as compiled C++: much faster, needs a C++ compiler",
    )


def run(options: argparse.Namespace) -> int:
    """Simulate and compare; exit code 1 on any difference."""
    check_vcd(options.vcd, options.net, options.input)
    network = elsie.load(options.net)
    x, lengths, _ = elsie.load_data(options.input, network, labels=False)
    with output.progress("simulating the RTL", "inputs") as update:
        simulation = elsie.simulate(
            network,
            x[: options.limit],
            lengths=None if lengths is None else lengths[: options.limit],
            vcd=options.vcd,
            compiled=options.compiled,
            progress=update,
        )
    summary = simulation.summary(network.config.pes)
    waveforms = str(options.vcd) if options.vcd else None
    values = {"network": network.name, **summary.to_dict(), "waveforms": waveforms}

    def text() -> None:
        describe(summary)
        if waveforms:
            output.line("waveforms", waveforms)

    output.result(values, as_json=options.json, text=text)
    return 0 if summary.equal else 1


def describe(found: "Summary") -> None:
    """What was compared, and how it came out."""
    what = "inferences" if found.steps is None else "steps"
    if found.steps is not None:
        output.line("sequences", str(found.inferences))
    equal = f"{found.outputs_equal} of {found.compared} {what}, bit for bit"
    output.line("outputs equal", equal)
    output.line("trace equal", f"{found.trace_equal} of {found.compared}, {found.events} events")
    each = found.cycles_per_inference
    output.line("cycles per inference", f"golden {each.golden:.1f}, RTL {each.rtl:.1f}")
    if each := found.cycles_per_step:
        output.line("cycles per step", f"golden {each.golden:.1f}, RTL {each.rtl:.1f}")
    output.line("useful utilisation", f"{found.useful_utilisation:.3f}")
    if found.first_difference:
        output.line("first difference", found.first_difference)
