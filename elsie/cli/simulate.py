"""`elsie simulate`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import elsie
from elsie.cli import output
from elsie.cli.grammar import Steps, add_board, add_command, add_input, add_net, positive
from elsie.cli.paths import check_file

if TYPE_CHECKING:
    from sim.summary import Summary
    from sim.waves.target import Wave


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "simulate",
        "simulate the RTL and compare it with the golden model, event by event",
        "elsie simulate model.elsie --input test.npz --limit 5",
        "elsie simulate model.elsie --input test.npz --compiled",
        "elsie simulate model.elsie --input test.npz --limit 1 --board icebreaker --wave run.vcd "
        "&& gtkwave run.vcd run.gtkw",
        run=run,
    )
    add_net(command)
    add_input(command)
    command.add_argument(
        "--limit", metavar="N", type=positive, help="only the first N samples (default: all)"
    )
    command.add_argument(
        *("--wave", "--vcd"),
        metavar="FILE",
        type=Path,
        help="write waveforms, .vcd or .fst, and files that open them in GTKWave and Surfer",
    )
    add_board(command, what="the board whose clock the waveforms show")
    command.add_argument(
        "--compiled",
        action="store_true",
        help="simulate as compiled C++: much faster, needs a C++ compiler",
    )


def run(options: argparse.Namespace) -> int:
    """Simulate and compare; exit code 1 on any difference."""
    from golden.arithmetic.sequences import clipped, largest_input
    from sim.waves.target import CLOCK_MHZ

    wave = _wave(options)
    network = elsie.load(options.net)
    x, lengths, _ = elsie.load_data(options.input, network, labels=False)
    shown = x[: options.limit]
    output.unlike_calibration(clipped(network, shown), largest_input(network, shown))
    title = f"simulating the RTL, {'compiled' if options.compiled else 'interpreted'}"
    # Waveforms need the interpreted simulation.
    hint = None if options.compiled or wave else "--compiled is some hundred times faster"
    with output.progress(title, "inputs", hint=hint) as update:
        simulation = elsie.simulate(
            network,
            shown,
            lengths=None if lengths is None else lengths[: options.limit],
            wave=options.wave,
            clock_mhz=wave.clock_mhz if wave else CLOCK_MHZ,
            compiled=options.compiled,
            progress=update,
        )
    summary = simulation.summary(network.config.pes)
    values = {
        "network": network.name,
        **summary.to_dict(),
        "waveforms": str(wave.file) if wave else None,
        "clock_mhz": wave.clock_mhz if wave else None,
        "open_with": wave.commands if wave else [],
    }

    def text() -> None:
        describe(summary)
        if wave:
            _describe_waveforms(wave)

    output.result(values, as_json=options.json, text=text)
    return 0 if summary.equal else 1


def _wave(options: argparse.Namespace) -> "Wave | None":
    """The requested waveforms; refused if they cannot be written."""
    from boards.registry import find
    from sim.waves.target import CLOCK_MHZ, Wave

    clock_mhz = find(options.board).clock_mhz if options.board else CLOCK_MHZ
    if options.wave is None:
        return None
    wave = Wave(file=options.wave, clock_mhz=clock_mhz)
    for path in wave.files:
        check_file(path, options.net, options.input)
    return wave


def _describe_waveforms(wave: "Wave") -> None:
    """Where the waveforms are, and how to look at them."""
    cycle = f"a cycle is {1000 / wave.clock_mhz:.4g} ns ({wave.clock_mhz:g} MHz)"
    output.line("waveforms", f"{wave.file}, {cycle}")
    for command in wave.commands:
        output.line("open with", command)


def describe(found: "Summary") -> None:
    """What was compared, and the result."""
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
