"""`elsie predict`."""

import argparse
import dataclasses
from typing import Any

import elsie
from cli import output


def run(options: argparse.Namespace) -> int:
    """Classify, and say how well and how fast."""
    network = elsie.load(options.net)
    x, y = elsie.load_samples(options.input, network=network)
    prediction = elsie.predict(network, x, timing=options.timing)
    values: dict[str, Any] = {
        "network": network.name,
        "samples": len(x),
        "accuracy": None if y is None else prediction.accuracy(y),
        "timing": dataclasses.asdict(prediction.timing) if prediction.timing else None,
        "classes": prediction.classes.tolist(),
        "outputs": prediction.outputs.tolist(),
    }
    output.result(values, as_json=options.json, text=lambda: _describe(values))
    return 0


def _describe(values: dict[str, Any]) -> None:
    classes = values["classes"]
    shown = " ".join(map(str, classes[:20])) + (" ..." if len(classes) > 20 else "")
    output.line("samples", str(values["samples"]))
    output.line("classes", shown)
    if values["accuracy"] is not None:
        output.line("accuracy", f"{values['accuracy']:.2f} %")
    if values["timing"]:
        timing = values["timing"]
        output.line("cycles per inference", f"{timing['cycles']:.1f} (of {timing['samples']})")
        output.line("useful utilisation", f"{timing['useful_utilisation']:.3f}")
