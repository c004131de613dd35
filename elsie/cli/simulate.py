"""`elsie simulate`."""

import argparse
from typing import Any

import elsie
from elsie.cli import output
from elsie.cli.paths import check_file
from elsie.cli.predict import load
from golden import presets
from golden.format.network import Network
from sim.waves.target import CLOCK_MHZ, Wave


def run(options: argparse.Namespace) -> int:
    """Simulate and compare; exit code 1 on any difference."""
    wave = waves(options)
    network = elsie.load(options.net)
    x, lengths, _ = load(options.input, network, labels=False)
    x, lengths = x[: options.limit], None if lengths is None else lengths[: options.limit]
    with output.progress("simulating the RTL", unit(network)) as update:
        simulation = elsie.simulate(
            network,
            x,
            lengths=lengths,
            wave=options.wave,
            clock_mhz=clock_mhz(options.board),
            compiled=options.compiled,
            progress=update,
        )
    values = {"network": network.name, **simulation.summary(network.config.pes)}
    values["waveforms"] = str(wave.file) if wave else None
    values["clock_mhz"] = wave.clock_mhz if wave else None
    values["open_with"] = wave.commands if wave else []
    output.result(values, as_json=options.json, text=lambda: describe(values))
    return 0 if simulation.equal else 1


def clock_mhz(board: str | None) -> float:
    """The clock of the waveforms: the board's, if there is one."""
    return presets.find(board).clock_mhz if board else CLOCK_MHZ


def waves(options: argparse.Namespace) -> Wave | None:
    """The waveforms that are wanted; refused where they cannot go."""
    if options.wave is None:
        return None
    wave = Wave(file=options.wave, clock_mhz=clock_mhz(options.board))
    for path in wave.files:
        check_file(path, options.net, options.input)
    return wave


def unit(network: Network) -> str:
    """What is compared, one by one."""
    return "steps" if network.recurrent else "inferences"


def describe(values: dict[str, Any]) -> None:
    """What was compared, and how it came out."""
    count, what = values["inferences"], "inferences"
    if "steps" in values:
        output.line("sequences", str(count))
        count, what = values["steps"], "steps"
    output.line("outputs equal", f"{values['outputs_equal']} of {count} {what}, bit for bit")
    output.line("trace equal", f"{values['trace_equal']} of {count}, {values['events']} events")
    cycles = values["cycles_per_inference"]
    output.line("cycles per inference", f"golden {cycles['golden']:.1f}, RTL {cycles['rtl']:.1f}")
    if "steps" in values:
        each = values["cycles_per_step"]
        output.line("cycles per step", f"golden {each['golden']:.1f}, RTL {each['rtl']:.1f}")
    output.line("useful utilisation", f"{values['useful_utilisation']:.3f}")
    if values["first_difference"]:
        output.line("first difference", values["first_difference"])
    if values.get("waveforms"):
        clock = values["clock_mhz"]
        cycle = f"a cycle is {1000 / clock:.4g} ns ({clock:g} MHz)"
        output.line("waveforms", f"{values['waveforms']}, {cycle}")
        for command in values["open_with"]:
            output.line("open with", command)
