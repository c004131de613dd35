"""The steps from a trained model to a bitstream, one function each."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elsie.data import load_samples
from elsie.prediction import Prediction, Timing
from golden import arithmetic, netfile
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.image import encode
from golden.kinds import EntryMemory
from golden.network import Network
from golden.presets import check_fits
from golden.presets import find as find_preset
from golden.timing import TimingModel

load = netfile.load
save = netfile.save

_SIZED = ("entry_depth", "column_depth", "row_depth", "act_depth", "bias_depth", "layers")
"""Fields of the configuration that follow from the network."""


def compile(
    model: str | Path,
    *,
    calibration: ArrayLike | str | Path,
    board: str | None = None,
    weights: str | None = None,
    density: float | Mapping[str, float] | None = None,
    balanced: str | None = None,
    evaluate: tuple[ArrayLike, ArrayLike] | str | Path | None = None,
    progress: Callable[[str], None] | None = None,
    **engine: Any,
) -> Network:
    """Compress an ONNX model for an engine.

    model: ONNX file, any chain of Gemm, MatMul, Add and Relu. calibration: real inputs (samples,
    n_in), or a file of them. board: its preset shapes the engine, and the network must fit it.
    weights: 'codebook', 'fixed' or 'log'. density: prune to this share of weights, all layers or by
    name; None keeps the model's own zeros. balanced: prune so that every PE keeps as many ('pe'),
    in every column too ('column'). evaluate: (inputs, labels), or a file of them, for the accuracy
    at each step, in `Network.info`. engine: fields of EngineConfig to set, such as pes=8; memory
    depths and the range of shifts follow from the network.

    Raises ElsieError for whatever cannot be used.
    """
    from compress.compiler import compile_model, kind_widths  # imports onnx, which is slow
    from compress.onnx_import import load_onnx
    from compress.report import check_samples

    for name in _SIZED:
        if name in engine:
            raise ElsieError(f"{name} follows from the network and cannot be given")
    acc_width, run_width = engine.pop("acc_width", None), engine.pop("run_width", None)
    preset = find_preset(board) if board else None
    base = (preset.base if preset else EngineConfig()).to_dict()
    kind = weights or engine.get("mac") or base["mac"]
    fields = {**base, **engine}
    if kind != base["mac"]:
        fields |= kind_widths(kind, engine)
    if "pes" in engine and "group" not in engine:
        fields["group"] = min(fields["group"], fields["pes"])
    # Room for any choice; the compiler sets what the network needs.
    fields |= {"acc_width": 53, "row_depth": 1, "act_depth": max(64, fields["group"])}
    if fields["entry_memory"] == EntryMemory.SPRAM.value:
        fields["run_width"] = 2
    config = EngineConfig.from_dict(fields)
    imported = load_onnx(model)
    if imported.recurrent:
        raise ElsieError(
            f"{model}: it has LSTM or GRU layers, which this command cannot do yet; from Python, "
            f"compress.compile_cells can"
        )
    if isinstance(calibration, str | Path):
        path, calibration = calibration, load_samples(calibration)[0]
        check_samples(imported, calibration, what=f"{path}: calibration data")
    if isinstance(evaluate, str | Path):
        evaluate = _labelled(evaluate, imported)
    return compile_model(
        imported,
        calibration,
        base=config,
        density=density,
        balanced=balanced,
        acc_width=acc_width,
        run_width=run_width,
        preset=preset,
        evaluate=evaluate,
        progress=progress,
    )


def _labelled(path: str | Path, model: Any) -> tuple[ArrayLike, ArrayLike]:
    """Inputs and labels from a file that must suit the model."""
    from compress.report import check_samples

    x, y = load_samples(path)
    if y is None:
        raise ElsieError(f"{path}: no array 'y' of labels to evaluate with")
    check_samples(model, x, what=f"{path}: evaluation data")
    return x, y


def predict(network: Network, x: ArrayLike, *, timing: int = 0) -> Prediction:
    """Outputs for real inputs `x` (samples, n_in), from the golden model.

    timing: also predict the cycles of this many of them. Raises ElsieError for inputs of the wrong
    shape.
    """
    _no_cells(network, "golden.recurrence.predict")
    return Prediction(
        outputs=arithmetic.predict(network, x),
        timing=_time(network, x, timing) if timing else None,
    )


def _no_cells(network: Network, instead: str) -> None:
    """Refuse what is for single inputs, not for sequences, so far."""
    if network.recurrent:
        raise ElsieError(
            f"network {network.name} has LSTM or GRU layers, which this command cannot do yet; "
            f"{instead} can"
        )


def _time(network: Network, x: ArrayLike, samples: int) -> Timing:
    """Run the timing model on the first `samples` inputs."""
    model = TimingModel(encode(network))
    inputs = arithmetic.quantise_input(network, x)[:samples]
    counters = [model.run(row)[1] for row in inputs]
    cycles = sum(c.cycles for c in counters)
    return Timing(
        samples=len(inputs),
        cycles=float(np.mean([c.cycles for c in counters])),
        useful_utilisation=sum(c.macs for c in counters) / (network.config.pes * cycles),
    )


def simulate(
    network: Network,
    x: ArrayLike,
    *,
    vcd: str | Path | None = None,
    compiled: bool = False,
    progress: Callable[[int, int], None] | None = None,
):
    """Run the RTL on real inputs `x` (samples, n_in) and compare it with the golden model.

    vcd: write waveforms there. compiled: as C++, some hundred times faster, which needs a C++
    compiler and first some seconds (small engines) or minutes (large ones). progress: called with
    (inferences done, all). Returns a sim.simulate.Simulation, whose `equal` says whether all
    outputs and all events agree.
    """
    _no_cells(network, "sim.simulate.simulate_steps")
    from sim.simulate import simulate as run  # imports Amaranth

    return run(network, x, vcd=vcd, compiled=compiled, progress=progress)


def build(
    network: Network,
    board: str,
    *,
    out: str | Path,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
):
    """Make a bitstream with `network` in its memories, which classifies over a serial line.

    out: directory for the bitstream and report.json, and for load.bin where the entries are in
    SPRAM: the host sends it before the first vector (docs/boards.md). seed: of place and route.
    Returns a boards.report.BuildReport. Raises ElsieError when the network does not fit the board,
    its clock is not reached, or a tool is missing.
    """
    _no_cells(network, "elsie verilog, or rtl.engine.Engine,")
    from boards import registry
    from boards.build import build as run
    from boards.top import BoardTop, check_network

    chosen = registry.find(board)
    check_network(network)  # before there is a design, whose loss would be a warning
    check_fits(network.config, chosen.preset, what=f"network {network.name}")
    top = BoardTop(network=network, divisor=chosen.divisor())
    return run(top, board, out=out, seed=seed, progress=progress)
