"""`elsie simulate`."""

import argparse
from typing import Any

import elsie
from cli import output
from cli.paths import check_vcd


def run(options: argparse.Namespace) -> int:
    """Simulate and compare; exit code 1 on any difference."""
    check_vcd(options.vcd, options.net, options.input)
    network = elsie.load(options.net)
    x, _ = elsie.load_samples(options.input, network=network)
    x = x[: options.limit]
    with output.progress("simulating the RTL", "inferences") as update:
        simulation = elsie.simulate(
            network, x, vcd=options.vcd, compiled=options.compiled, progress=update
        )
    values = {"network": network.name, **simulation.summary(network.config.pes)}
    values["waveforms"] = str(options.vcd) if options.vcd else None
    output.result(values, as_json=options.json, text=lambda: describe(values))
    return 0 if simulation.equal else 1


def describe(values: dict[str, Any]) -> None:
    """What was compared, and how it came out."""
    count = values["inferences"]
    output.line("outputs equal", f"{values['outputs_equal']} of {count} inferences, bit for bit")
    output.line("trace equal", f"{values['trace_equal']} of {count}, {values['events']} events")
    cycles = values["cycles_per_inference"]
    output.line("cycles per inference", f"golden {cycles['golden']:.1f}, RTL {cycles['rtl']:.1f}")
    output.line("useful utilisation", f"{values['useful_utilisation']:.3f}")
    if values["first_difference"]:
        output.line("first difference", values["first_difference"])
    if values.get("waveforms"):
        output.line("waveforms", values["waveforms"])
