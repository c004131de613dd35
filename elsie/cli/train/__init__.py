"""`elsie train`."""

import argparse
from pathlib import Path

from elsie.cli import output
from elsie.cli.compile import describe_structure
from elsie.cli.grammar import (
    Steps,
    add_command,
    add_out,
    add_structure,
    add_weights,
    positive,
    share,
)
from elsie.cli.paths import check_file


def add(steps: Steps) -> None:
    """The grammar."""
    command = add_command(
        steps,
        "train",
        "prune a network, and share its weights, with labels",
        "elsie train model.onnx --data train.npz --density .08 --weights codebook -o small.onnx",
        "elsie train model.onnx --data train.npz --density fc1=.05,fc2=.1 --weights log "
        "--epochs 100 --evaluate test.npz -o small.onnx",
        run=run,
    )
    command.add_argument("model", metavar="MODEL.onnx", type=Path, help="trained dense network")
    command.add_argument(
        "--data",
        metavar="DATA",
        type=Path,
        required=True,
        help="inputs and labels; without labels it learns what the given network answers",
    )
    command.add_argument(
        "--density",
        type=share,
        help="share of weights to keep: of all layers together, or LAYER=D,... "
        "(default: keep the model's own zeros)",
    )
    add_structure(command)
    add_weights(command)
    command.add_argument("--code-width", type=positive, metavar="N", help="bits of a weight's code")
    command.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="passes over the data (default: some 12,000 steps, 2,400 of sequences)",
    )
    command.add_argument(
        "--distil",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="weight of the given network's answers beside the labels, 0 to 1 (default: 0.5)",
    )
    command.add_argument(
        "--evaluate", metavar="DATA", type=Path, help="inputs and labels: scores before and after"
    )
    command.add_argument(
        "--calibrate",
        metavar="DATA",
        type=Path,
        help="the inputs that 'elsie compile' will get: shared weights of LSTM and GRU layers, and "
        "of columns that differ in range, depend on their scales (default: those of --data)",
    )
    command.add_argument(
        "--seed", type=int, default=2016, help="seed of the order of samples (default: 2016)"
    )
    add_out(command, "OUT.onnx", "network")


def run(options: argparse.Namespace) -> int:
    """Train, write the ONNX file, and print the figures."""
    from elsie.training import train

    check_file(options.out, options.model, options.data, options.evaluate, options.calibrate)
    with output.progress("training", "steps") as update:
        trained = train(
            options.model,
            data=options.data,
            density=options.density,
            neurons=options.neurons,
            rank=options.rank,
            weights=options.weights,
            code_width=options.code_width,
            epochs=options.epochs,
            distil=options.distil,
            evaluate=options.evaluate,
            seed=options.seed,
            calibration=options.calibrate,
            progress=update,
        )
    trained.save(options.out)
    values = {
        "model": str(options.out),
        "layers": trained.layers,
        **({"structure": trained.structure} if trained.structure else {}),
        **trained.scores,
    }

    def describe() -> None:
        output.line("network", f"{trained.model.name} -> {options.out}")
        describe_structure(trained.structure)
        for layer in trained.layers:
            output.line(
                f"layer {layer.name}",
                f"density {100 * layer.density:.1f} %, {layer.values} different weights",
            )
        for name, stages in trained.scores.items():
            before, after = (output.figure(name, stages[stage])[1] for stage in stages)
            output.line(name.replace("_", " "), f"before {before}, after {after}")

    output.result(values, as_json=options.json, text=describe)
    return 0
