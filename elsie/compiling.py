"""From an ONNX file to a network: which compiler, which engine, which data."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from elsie.data import load_samples, load_sequences
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network
from golden.kinds import CELL_WIDTH, EntryMemory
from golden.presets import Preset
from golden.presets import find as find_preset

_SIZED = (
    *("entry_depth", "column_depth", "row_depth", "act_depth", "bias_depth", "layers"),
    *("cells", "act_lists", "state_frac"),
)
"""Fields of the configuration that follow from the network."""


def compile(
    model: str | Path,
    *,
    calibration: ArrayLike | str | Path,
    lengths: ArrayLike | None = None,
    board: str | None = None,
    weights: str | None = None,
    density: float | Mapping[str, float] | None = None,
    balanced: str | None = None,
    delta: tuple[float, float] | None = None,
    evaluate: tuple[ArrayLike | None, ...] | str | Path | None = None,
    progress: Callable[[str], None] | None = None,
    **engine: Any,
) -> Network:
    """Compress an ONNX model for an engine.

    model: ONNX file, a chain of Gemm, MatMul, Add and Relu, or with LSTM and GRU. calibration: real
    inputs (samples, n_in), or a file of them; of a recurrent model sequences (samples, steps,
    n_in), of which `lengths` (samples,) steps count. board: its preset shapes the engine, and the
    network must fit it. weights: 'codebook', 'fixed' or 'log'; a recurrent model takes fixed ones
    of 12 bits if nothing is said. density: prune to this share of weights, all layers or by name;
    None keeps the model's own zeros. balanced: prune so that every PE keeps as many ('pe'), in
    every column too ('column'). delta: of a recurrent model, send only inputs and outputs that
    moved by more than these two thresholds. evaluate: (inputs, labels), of sequences also
    (inputs, lengths, labels), or a file of them, for the accuracy at each step, in `Network.info`.
    engine: fields of EngineConfig to set, such as pes=8; memory depths and the range of shifts
    follow from the network.

    Raises ElsieError for whatever cannot be used.
    """
    from elsie.compress.onnx.dense import load_onnx  # imports onnx, which is slow

    for name in _SIZED:
        if name in engine:
            raise ElsieError(f"{name} follows from the network and cannot be given")
    preset = find_preset(board) if board else None
    widths = {name: engine.pop(name, None) for name in ("acc_width", "run_width")}
    imported = load_onnx(model)
    sequences = lengths is not None or delta is not None or engine.get("streams", 1) != 1
    if sequences and not imported.recurrent:
        raise ElsieError(
            f"{model}: it has no LSTM or GRU layers; leave out lengths, streams and delta"
        )
    options: dict[str, Any] = {
        **widths,
        "preset": preset,
        "density": density,
        "balanced": balanced,
        "progress": progress,
    }
    config = _engine(preset, weights, engine, recurrent=imported.recurrent)
    if imported.recurrent:
        return _recurrent(imported, config, calibration, lengths, evaluate, delta, options)
    return _feed_forward(imported, config, calibration, evaluate, options)


def _engine(
    preset: Preset | None, weights: str | None, given: dict[str, Any], *, recurrent: bool
) -> EngineConfig:
    """The engine's shape, with room for any choice; the compilers set what the network needs."""
    from elsie.compress.compiler import kind_widths

    base = (preset.base if preset else EngineConfig()).to_dict()
    fields = {**base, **given}
    # In SPRAM an entry has 8 bits, too few for 12-bit weights.
    wide = recurrent and fields["entry_memory"] != EntryMemory.SPRAM.value
    kind = weights or given.get("mac") or ("fixed" if wide else base["mac"])
    if recurrent and given.get("act_width", CELL_WIDTH) != CELL_WIDTH:
        raise ElsieError(f"LSTM and GRU have activations of {CELL_WIDTH} bits; leave out act_width")
    if kind != base["mac"]:
        ese = {"code_width": 12} if wide and kind == "fixed" else {}
        asked = given if {"code_width", "weight_width"} & set(given) else {**ese, **given}
        fields |= kind_widths(kind, asked)
    if "pes" in given and "group" not in given:
        fields["group"] = min(fields["group"], fields["pes"])
    fields |= {"acc_width": 53, "row_depth": 1, "act_depth": max(64, fields["group"])}
    if recurrent:
        # A configuration with cells from the start, which several streams need.
        lists = 8 * fields["streams"] if isinstance(fields["streams"], int) else 8
        fields |= {"act_width": CELL_WIDTH, "cells": 1, "act_lists": lists}
    if fields["entry_memory"] == EntryMemory.SPRAM.value:
        fields["run_width"] = 2
    return EngineConfig.from_dict(fields)


def _feed_forward(
    model: Any,
    config: EngineConfig,
    calibration: ArrayLike | str | Path,
    evaluate: Any,
    options: dict[str, Any],
) -> Network:
    """Data of single inputs, and their compiler."""
    from elsie.compress.compiler import compile_model
    from elsie.compress.report import check_samples

    if isinstance(calibration, str | Path):
        path, calibration = calibration, load_samples(calibration)[0]
        check_samples(model, calibration, what=f"{path}: calibration data")
    if isinstance(evaluate, str | Path):
        path, evaluate = evaluate, load_samples(evaluate)
        _need_labels(path, evaluate[-1])
        check_samples(model, evaluate[0], what=f"{path}: evaluation data")
    if evaluate is not None and len(evaluate) != 2:
        raise ElsieError("evaluate must be inputs and labels, two arrays")
    return compile_model(model, calibration, base=config, evaluate=evaluate, **options)


def _recurrent(
    model: Any,
    config: EngineConfig,
    calibration: ArrayLike | str | Path,
    lengths: ArrayLike | None,
    evaluate: Any,
    delta: tuple[float, float] | None,
    options: dict[str, Any],
) -> Network:
    """Data of sequences, and their compiler."""
    from elsie.compress.cell_report import check_sequences
    from elsie.compress.compile_cells import compile_cells

    if isinstance(calibration, str | Path):
        if lengths is not None:
            raise ElsieError(f"{calibration}: its lengths are in the file; leave out lengths")
        path, (calibration, lengths, _) = calibration, load_sequences(calibration, labels=False)
        check_sequences(model, calibration, what=f"{path}: calibration data")
    if isinstance(evaluate, str | Path):
        path, evaluate = evaluate, load_sequences(evaluate)
        _need_labels(path, evaluate[-1])
        check_sequences(model, evaluate[0], what=f"{path}: evaluation data")
    if evaluate is not None:
        if len(evaluate) == 2:
            evaluate = (evaluate[0], None, evaluate[1])
        if len(evaluate) != 3:
            raise ElsieError("evaluate must be inputs, lengths or None, and labels")
    samples: Any = calibration
    data = {"lengths": lengths, "delta": delta, "evaluate": evaluate}
    return compile_cells(model, samples, config=config, **data, **options)


def _need_labels(path: str | Path, labels: Any) -> None:
    if labels is None:
        raise ElsieError(f"{path}: no array 'y' of labels to evaluate with")
