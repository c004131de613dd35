"""`elsie simulate`."""

import argparse
from typing import Any

import elsie
from elsie.cli import output
from elsie.cli.paths import check_vcd
from elsie.cli.predict import load
from golden.format.network import Network


def run(options: argparse.Namespace) -> int:
    """Simulate and compare; exit code 1 on any difference."""
    check_vcd(options.vcd, options.net, options.input)
    network = elsie.load(options.net)
    x, lengths, _ = load(options.input, network, labels=False)
    x, lengths = x[: options.limit], None if lengths is None else lengths[: options.limit]
    with output.progress("simulating the RTL", unit(network)) as update:
        simulation = elsie.simulate(
            network,
            x,
            lengths=lengths,
            vcd=options.vcd,
            compiled=options.compiled,
            progress=update,
        )
    values = {"network": network.name, **simulation.summary(network.config.pes).to_dict()}
    values["waveforms"] = str(options.vcd) if options.vcd else None
    output.result(values, as_json=options.json, text=lambda: describe(values))
    return 0 if simulation.equal else 1


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
        output.line("waveforms", values["waveforms"])
