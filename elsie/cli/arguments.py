"""The command line's grammar; nothing slow is imported here."""

import argparse
import importlib
from importlib.metadata import version
from pathlib import Path

from elsie.cli.bench import BENCHMARKS
from elsie.cli.grammar import add_balanced, add_command, positive
from golden.presets import PRESETS

_ENGINE = (
    ("--pes", "processing elements"),
    ("--group", "PEs that share column memory, activation memory and drain unit"),
    ("--queue-depth", "slots of a PE's activation queue"),
    ("--run-width", "bits of the zero run (default: the cheapest)"),
    ("--act-width", "bits of an activation"),
    ("--weight-width", "bits of a decoded weight"),
    ("--code-width", "bits of a stored weight code"),
    ("--acc-width", "bits of an accumulator (default: as many as provably needed)"),
    ("--entry-stages", "cycles of an entry's read; 2 for block RAM that may be far"),
    ("--multiplier-stages", "registers in the multiplier"),
    ("--broadcast-stages", "registers between collector and PEs"),
    ("--streams", "sequences in turn, each with its own state (LSTM, GRU; default: 1)"),
)
ENGINE_FIELDS = ("entry_memory", *(option[2:].replace("-", "_") for option, _ in _ENGINE))
"""Fields of EngineConfig that options set."""


def _density(text: str) -> float | dict[str, float]:
    """One density, or NAME=D,NAME=D."""
    try:
        if "=" not in text:
            return float(text)
        pairs = [item.split("=") for item in text.split(",")]
        densities = {name: float(value) for name, value in pairs}
        if len(densities) < len(pairs):
            raise ValueError("a layer is named twice")
        return densities
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number nor LAYER=NUMBER,LAYER=NUMBER with each layer once"
        ) from None


def _thresholds(text: str) -> tuple[float, float]:
    """X,H."""
    try:
        x, h = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not two thresholds; write X,H such as 0.25,0.1"
        ) from None
    return x, h


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    top = argparse.ArgumentParser(
        prog="elsie",
        description="A sparse neural-network engine for FPGAs, from a trained model to a "
        "bitstream, with open tools only.",
        epilog="Start with: elsie demo",
    )
    top.add_argument("--version", action="version", version=f"elsie {version('elsie')}")
    steps = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _demo(steps)
    _compile(steps)
    _predict(steps)
    _simulate(steps)
    _build(steps)
    _verilog(steps)
    _bench(steps)
    add_command(steps, "boards", "list the boards", "elsie boards --json")
    add_command(steps, "doctor", "check that all tools are there and run", "elsie doctor")
    return top


def _net(command: argparse.ArgumentParser) -> None:
    command.add_argument("net", metavar="NET", type=Path, help="compiled network")


def _input(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--input",
        metavar="DATA",
        type=Path,
        required=True,
        help=".npz with inputs x (samples, n_in) and optionally labels y; or .npy; for LSTM and "
        "GRU x (samples, steps, n_in) and optionally lengths",
    )


def _board(command: argparse.ArgumentParser, *, required: bool = False) -> None:
    command.add_argument("--board", choices=list(PRESETS), required=required, help="the board")


def _seed(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seed", type=positive, default=1, help="seed of place and route (default: 1)"
    )


def _demo(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        steps,
        "demo",
        "run everything on the digits example: compile, predict, simulate, build",
        "elsie demo",
        "elsie demo --inferences 100 --json",
        "elsie demo --board ulx3s-85f --weights log",
    )
    _board(command)
    command.set_defaults(board="icebreaker")
    command.add_argument(
        "--weights", choices=["codebook", "fixed", "log"], default="codebook", help="MAC kind"
    )
    command.add_argument(
        "--inferences", type=positive, default=50, help="how many to simulate (default: 50)"
    )
    command.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("build/demo"),
        help="directory for network and bitstream (default: build/demo)",
    )
    _seed(command)


def _compile(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
        "elsie compile lstm.onnx --calibrate calibrate.npz --delta 0.25,0.1 -o lstm.elsie",
    )
    command.add_argument("model", metavar="MODEL.onnx", type=Path, help="trained network")
    command.add_argument(
        "--calibrate", metavar="DATA", type=Path, required=True, help="inputs for the scales"
    )
    command.add_argument(
        "-o", "--out", metavar="NET", type=Path, required=True, help="file to write"
    )
    command.add_argument(
        "--density",
        type=_density,
        help="prune to this share of weights: one number, or LAYER=D,... "
        "(default: keep the model's own zeros)",
    )
    add_balanced(command)
    command.add_argument("--weights", choices=["codebook", "fixed", "log"], help="MAC kind")
    command.add_argument(
        "--delta",
        metavar="X,H",
        type=_thresholds,
        help="LSTM, GRU: send only inputs that moved by more than X, and outputs by more than H",
    )
    command.add_argument(
        "--evaluate", metavar="DATA", type=Path, help="inputs and labels: accuracy at each step"
    )
    _board(command)
    engine = command.add_argument_group("engine", "override the board's preset, or the default")
    engine.add_argument(
        "--entry-memory",
        choices=["block", "spram"],
        help="where entries are: block RAM, or iCE40 UP5K's SPRAM, which the host has to load",
    )
    for option, summary in _ENGINE:
        engine.add_argument(option, type=positive, metavar="N", help=summary)


def _predict(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        steps,
        "predict",
        "run the golden model",
        "elsie predict model.elsie --input test.npz",
        "elsie predict model.elsie --input test.npz --timing 50 --json",
    )
    _net(command)
    _input(command)
    command.add_argument(
        "--timing", metavar="N", type=positive, default=0, help="predict the cycles of N samples"
    )


def _simulate(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        steps,
        "simulate",
        "simulate the RTL and compare it with the golden model, event by event",
        "elsie simulate model.elsie --input test.npz --limit 5",
        "elsie simulate model.elsie --input test.npz --compiled",
        "elsie simulate model.elsie --input test.npz --limit 1 --board icebreaker --wave run.vcd "
        "&& gtkwave run.vcd run.gtkw",
    )
    _net(command)
    _input(command)
    command.add_argument(
        "--limit", metavar="N", type=positive, help="only the first N samples (default: all)"
    )
    command.add_argument(
        *("--wave", "--vcd"),
        metavar="FILE",
        type=Path,
        help="write waveforms, .vcd or .fst, and beside them what opens them in GTKWave and Surfer",
    )
    command.add_argument(
        "--board", choices=list(PRESETS), help="the board whose clock the waveforms show"
    )
    command.add_argument(
        "--compiled",
        action="store_true",
        help="simulate as compiled C++: much faster, needs a C++ compiler",
    )


def _build(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        steps,
        "build",
        "make a bitstream and its area and timing report",
        "elsie build model.elsie --board icebreaker -o build/model",
    )
    _net(command)
    _board(command, required=True)
    command.add_argument(
        "-o", "--out", metavar="DIR", type=Path, required=True, help="directory to write"
    )
    _seed(command)


def _verilog(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        steps,
        "verilog",
        "write the engine, network in its memories, as plain Verilog",
        "elsie verilog model.elsie -o model.v",
    )
    _net(command)
    command.add_argument(
        "-o", "--out", metavar="FILE", type=Path, required=True, help="file to write"
    )


def _bench(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    bench = steps.add_parser(
        "bench", help="measure the engine", description="Measure the engine, reproducibly."
    )
    kinds = bench.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name in BENCHMARKS:
        importlib.import_module(f"elsie.cli.bench.{name}").add(kinds)
