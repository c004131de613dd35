"""`elsie compile`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import elsie
from elsie.cli import output
from elsie.cli.grammar import (
    Steps,
    add_balanced,
    add_board,
    add_command,
    add_effort,
    add_out,
    add_structure,
    add_weights,
    or_auto,
    positive,
    share,
)
from elsie.cli.paths import check_file
from elsie.cli.tables import show_front, show_layers
from elsie.options import EngineOptions, meanings
from golden.kinds import ActCode, EntryMemory
from golden.record import plain
from golden.stages import SETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from golden.format.network import Network
    from golden.report import Quality, Structure


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "compile",
        "compress an ONNX model into a NET file",
        "elsie compile model.onnx --calibrate calibrate.npz --board icebreaker -o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --board icebreaker "
        "--entry-memory spram -o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --density 0.12 --weights log "
        "--pes 8 -o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --density fc1=0.1,fc2=0.2 "
        "--evaluate test.npz -o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --density 0.15 --max-drop 2 "
        "-o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --density 0.1 --effort best "
        "--board icebreaker -o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --neurons 0.5 --density 0.3 "
        "-o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --weights codebook:4,fc2=ttq "
        "-o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --budget 30kbit -o model.elsie",
        "elsie compile model.onnx --calibrate calibrate.npz --density auto --weights auto "
        "--max-drop 1 -o model.elsie",
        "elsie compile lstm.onnx --calibrate calibrate.npz --delta 0.25,0.1 -o lstm.elsie",
        run=run,
    )
    command.add_argument("model", metavar="MODEL.onnx", type=Path, help="trained network")
    command.add_argument(
        "--calibrate",
        metavar="DATA",
        type=Path,
        required=True,
        help="typical inputs, to choose scales by; samples as for elsie predict",
    )
    command.add_argument(
        "--output",
        metavar="NAME",
        help="the model's output to use, if it has several (default: the probabilities)",
    )
    add_out(command, "NET", "file")
    _add_goal(command)
    add_structure(command, auto="find it, with --budget or --density auto")
    add_balanced(command)
    add_effort(command)
    add_weights(command, auto="find the kind too, with --budget or --density auto")
    command.add_argument(
        "--delta",
        metavar="X,H",
        type=_thresholds,
        help="LSTM, GRU: use only inputs that changed by more than X, and outputs by more than H",
    )
    command.add_argument(
        "--evaluate",
        metavar="DATA",
        type=Path,
        help="inputs and labels, to report the accuracy at each step",
    )
    command.add_argument(
        "--verbose", action="store_true", help="sizes of each layer too (always in --json)"
    )
    add_board(command)
    _add_engine(command)


def _add_goal(command: argparse.ArgumentParser) -> None:
    """How much is to be left, of weights, bits and accuracy."""
    command.add_argument(
        "--density",
        type=or_auto(share),
        help="prune to this share of weights: one number, or LAYER=D,... "
        "(default: keep the model's own zeros); auto: find densities and bits of a code, for "
        "--budget, or the smallest network within --max-drop",
    )
    command.add_argument(
        "--budget",
        metavar="SIZE",
        help="find the most accurate network of at most this size on chip, such as 30kbit or 4KiB, "
        "or 80%% of the memory that --board has for a network",
    )
    command.add_argument(
        "--max-drop",
        metavar="POINTS",
        type=float,
        help="fail (exit code 1, no NET file) if more percentage points than this are lost: of "
        "accuracy with --evaluate, else of agreement with the float network; a goal with --density "
        "auto or --budget, and then always of agreement on held-out calibration samples",
    )


_CHOICES = {
    "entry_memory": [one.value for one in EntryMemory],
    "act_code": [one.value for one in ActCode],
    "stages": list(SETS),
}


def _add_engine(command: argparse.ArgumentParser) -> None:
    """An option for each field of EngineOptions."""
    group = command.add_argument_group("engine", "override the board's preset, or the default")
    for name, meaning in meanings().items():
        option = f"--{name.replace('_', '-')}"
        if name in _CHOICES:
            group.add_argument(option, choices=_CHOICES[name], help=meaning)
        else:
            group.add_argument(option, type=positive, metavar="N", help=meaning)


def _thresholds(text: str) -> tuple[float, float]:
    """X,H."""
    try:
        x, h = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not two thresholds; write X,H such as 0.25,0.1"
        ) from None
    return x, h


def run(options: argparse.Namespace) -> int:
    """Compile, write the NET file, and print the figures."""
    check_file(options.out, options.model, options.calibrate, options.evaluate)
    network = elsie.compile(
        options.model,
        calibration=options.calibrate,
        output=options.output,
        board=options.board,
        weights=options.weights,
        density=options.density,
        budget=options.budget,
        neurons=options.neurons,
        rank=options.rank,
        balanced=options.balanced,
        effort=options.effort,
        delta=options.delta,
        evaluate=options.evaluate,
        max_drop=options.max_drop,
        progress=output.note,
        engine=EngineOptions(**{name: getattr(options, name) for name in meanings()}),
    )
    elsie.save(network, options.out)
    from elsie.compress.report import layer_sizes, size_table  # imports numpy

    sizes, each = size_table(network, file=options.out.stat().st_size), layer_sizes(network)
    layers = list(zip(network.info.layers, each, strict=True))
    values = {
        "net": str(options.out),
        "network": network.name,
        "config": network.config.to_dict(),
        **network.positions,
        **plain(network.info),
        "layers": [{**plain(layer), "sizes": size} for layer, size in layers],
        "sizes": sizes,
    }
    for warning in network.info.warnings:
        output.note(f"warning: {warning}")

    def text() -> None:
        describe(network, str(options.out))
        if network.info.search:
            show_front(network.info.search, network.info.front)
        rows = [
            [name.replace("_", " "), f"{size.bits / 8192:.2f} KiB", f"{size.ratio:.1f} x"]
            for name, size in sizes.items()
        ]
        output.table(["size", "", "smaller"], rows)
        if options.verbose:
            show_layers(layers)

    output.result(values, as_json=options.json, text=text)
    return 0


def describe(network: "Network", where: str) -> None:
    """The same for people."""
    config, info = network.config, network.info
    output.line("network", f"{network.name} -> {where}")
    kind = f"{config.mac.value} weights"
    if config.mac.value == "fixed":
        kind = f"{config.code_width}-bit {kind}"
    powers = ""
    if config.act_levels:
        powers = f" sent as powers ({config.act_code.value}, {config.sent_width} bits)"
    more = f", {config.streams} streams" if config.streams > 1 else ""
    output.line(
        "engine",
        f"{config.pes} PEs, {kind}, {config.act_width}-bit activations{powers}, "
        f"{config.acc_width}-bit accumulators{more}{', delta' if config.delta else ''}",
    )
    describe_structure(info.structure)
    for layer in info.layers:
        lost = f", {layer.lost} lost" if layer.lost else ""
        alphabet = f", {layer.weights} weights" if layer.weights else ""
        output.line(
            f"layer {layer.name}",
            f"density {100 * layer.density:.1f} %, {layer.nnz} non-zeros, "
            f"{layer.padding} padding{lost}{alphabet}",
        )
    for remark in info.notes:
        output.line("note", remark)
    describe_positions(network)
    describe_quality(info.quality)
    for name, stages in info.figures.items():
        describe_accuracy(stages, name)


def describe_structure(structure: "Structure | None") -> None:
    """What became of the layers, if anything."""
    if structure is None:
        return
    dropped = [
        f"{name} {count.left} of {count.given} neurons"
        for name, count in structure.neurons.items()
        if count.left < count.given
    ]
    ranks = [f"{name} rank {rank}" for name, rank in structure.rank.items()]
    left = f"{structure.weights.left} of {structure.weights.given} weights before pruning"
    output.line("structure", ", ".join([*dropped, *ranks, left]))


def describe_positions(network: "Network") -> None:
    """What the engine's integers stand for."""
    given, out = network.positions["in_frac"], network.positions["out_frac"]
    frac = f"{min(given)} to {max(given)}, by input" if isinstance(given, list) else str(given)
    output.line("fraction bits", f"inputs {frac}; outputs {out}")


def describe_quality(quality: "Quality") -> None:
    """The engine beside the float network."""
    held = " held-out" if quality.held_out else ""
    again = ", then fitted to all" if quality.refitted else ""
    samples = f"{quality.samples}{held} calibration samples{again}"
    output.line("beside float", f"{quality} ({samples})")


def describe_accuracy(stages: "Mapping[str, float]", name: str = "accuracy") -> None:
    """A score at each step."""
    shown = ", ".join(f"{stage} {output.figure(name, v)[1]}" for stage, v in stages.items())
    output.line(name.replace("_", " "), shown)
