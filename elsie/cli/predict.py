"""`elsie predict`."""

import argparse
import dataclasses
from typing import Any

import elsie
from elsie.cli import output
from golden.format.network import Network


def run(options: argparse.Namespace) -> int:
    """Classify, and say how well and how fast."""
    network = elsie.load(options.net)
    x, lengths, y = elsie.load_data(options.input, network)
    prediction = elsie.predict(network, x, lengths=lengths, timing=options.timing)
    values: dict[str, Any] = {
        "network": network.name,
        "samples": len(x),
        "accuracy": None if y is None else prediction.accuracy(y),
        "timing": dataclasses.asdict(prediction.timing) if prediction.timing else None,
        "classes": _cut(prediction.classes, lengths, network),
        "outputs": _cut(prediction.outputs, lengths, network),
    }
    output.result(values, as_json=options.json, text=lambda: _describe(values))
    return 0


def _cut(values: Any, lengths: Any, network: Network) -> list[Any]:
    """Values of each sample; of a network that has some in every step, of its own steps."""
    if lengths is None or network.head is not None:
        return values.tolist()
    return [one[:length].tolist() for one, length in zip(values, lengths, strict=True)]


def _describe(values: dict[str, Any]) -> None:
    classes = values["classes"]
    output.line("samples", str(values["samples"]))
    every_step = bool(classes) and isinstance(classes[0], list)
    shown = classes[0] if every_step else classes
    text = " ".join(map(str, shown[:20])) + (" ..." if len(shown) > 20 else "")
    output.line("classes of sample 0" if every_step else "classes", text)
    if values["accuracy"] is not None:
        output.line("accuracy", f"{values['accuracy']:.2f} %")
    if values["timing"]:
        timing = values["timing"]
        output.line("cycles per inference", f"{timing['cycles']:.1f} (of {timing['samples']})")
        if timing["steps"]:
            cycles = timing["cycles"] * timing["samples"] / timing["steps"]
            output.line("cycles per step", f"{cycles:.1f} (of {timing['steps']})")
        output.line("useful utilisation", f"{timing['useful_utilisation']:.3f}")
