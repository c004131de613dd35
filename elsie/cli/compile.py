"""`elsie compile`."""

import argparse
from typing import Any

import elsie
from elsie.cli import output
from elsie.cli.arguments import ENGINE_FIELDS
from elsie.cli.paths import check_file
from elsie.options import EngineOptions
from golden.format.network import Network


def run(options: argparse.Namespace) -> int:
    """Compile, write the NET file, print what came out."""
    check_file(options.out, options.model, options.calibrate, options.evaluate)
    network = elsie.compile(
        options.model,
        calibration=options.calibrate,
        board=options.board,
        weights=options.weights,
        density=options.density,
        balanced=options.balanced,
        delta=options.delta,
        evaluate=options.evaluate,
        progress=output.note,
        engine=EngineOptions(**{name: getattr(options, name) for name in ENGINE_FIELDS}),
    )
    elsie.save(network, options.out)
    values = {"net": str(options.out), **summary(network)}
    output.result(values, as_json=options.json, text=lambda: describe(network, str(options.out)))
    return 0


def summary(network: Network) -> dict[str, Any]:
    """What the compiler reports, for JSON."""
    return {"network": network.name, "config": network.config.to_dict(), **network.info}


def describe(network: Network, where: str) -> None:
    """The same for people."""
    config, info = network.config, network.info
    output.line("network", f"{network.name} -> {where}")
    kind = f"{config.mac.value} weights"
    if config.mac.value == "fixed":
        kind = f"{config.code_width}-bit {kind}"
    more = f", {config.streams} streams" if config.streams > 1 else ""
    output.line(
        "engine",
        f"{config.pes} PEs, {kind}, {config.act_width}-bit activations, "
        f"{config.acc_width}-bit accumulators{more}{', delta' if config.delta else ''}",
    )
    for layer in info["layers"]:
        output.line(
            f"layer {layer['name']}",
            f"density {100 * layer['density']:.1f} %, {layer['nnz']} non-zeros, "
            f"{layer['padding']} padding{_lost(layer)}",
        )
    describe_size(info)
    for remark in info["notes"]:
        output.line("note", remark)
    if "accuracy" in info:
        describe_accuracy(info["accuracy"])


def _lost(layer: dict[str, Any]) -> str:
    """Of a recurrent network: weights that quantising made 0."""
    return f", {layer['lost']} lost" if layer.get("lost") else ""


def describe_size(info: dict[str, Any]) -> None:
    """Size before and after."""
    dense, stored = info["size_bits"]["dense"] / 8192, info["size_bits"]["stored"] / 8192
    output.line(
        "size",
        f"{dense:.1f} KiB as 32-bit float, {stored:.1f} KiB stored: "
        f"{info['compression_ratio']:.1f} x smaller",
    )


def describe_accuracy(accuracy: dict[str, float]) -> None:
    """Accuracy at each step."""
    output.line("accuracy", ", ".join(f"{name} {value:.2f} %" for name, value in accuracy.items()))
