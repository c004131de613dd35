"""From an ONNX file to a network: which engine, which data."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.data import Takes, load_data
from elsie.options import EngineOptions
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network
from golden.kinds import CELL_WIDTH, EntryMemory
from golden.presets import Preset
from golden.presets import find as find_preset


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
    evaluate: Sequence[ArrayLike | None] | str | Path | None = None,
    engine: EngineOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> Network:
    """Compress an ONNX model for an engine.

    model: ONNX file, a chain of Gemm, MatMul, Add and Relu, or with LSTM and GRU. calibration: real
    inputs (samples, n_in), or a file of them; for a recurrent model sequences (samples, steps,
    n_in), of which `lengths` (samples,) steps count. board: its preset shapes the engine, and the
    network must fit it. weights: 'codebook', 'fixed' or 'log'; a recurrent model gets fixed ones of
    12 bits by default. density, balanced, delta: see elsie.compress.options.CompileOptions.
    evaluate: (inputs, labels) or (inputs, lengths, labels), or a file of them, for the accuracy at
    each step, in `Network.info`. engine: what differs from the preset or the default.

    Raises ElsieError for whatever cannot be used.
    """
    from elsie.compress.onnx.dense import load_onnx  # imports onnx, which is slow

    preset = find_preset(board) if board else None
    engine = engine or EngineOptions()
    imported = load_onnx(model)
    sequences = lengths is not None or delta is not None or engine.streams not in (None, 1)
    if sequences and not imported.recurrent:
        raise ElsieError(
            f"{model}: it has no LSTM or GRU layers; leave out lengths, streams and delta"
        )
    config = _engine(preset, weights, engine.given(), recurrent=imported.recurrent)
    if isinstance(calibration, str | Path):
        if lengths is not None:
            raise ElsieError(f"{calibration}: its lengths are in the file; leave out lengths")
        calibration, lengths, _ = load_data(calibration, imported, labels=False)
    options = CompileOptions(
        density=density,
        balanced=balanced,
        delta=delta,
        acc_width=engine.acc_width,
        run_width=engine.run_width,
        preset=preset,
    )
    return _run(
        imported, calibration, lengths, config, options, _labelled(evaluate, imported), progress
    )


def _engine(
    preset: Preset | None, weights: str | None, given: dict[str, Any], *, recurrent: bool
) -> EngineConfig:
    """The engine's shape, with room for any choice; the compilers set what the network needs."""
    from elsie.compress.compiler import kind_widths

    base = (preset.base if preset else EngineConfig()).to_dict()
    given = {k: v for k, v in given.items() if k not in ("acc_width", "run_width")}
    fields = {**base, **given}
    # In SPRAM an entry has 8 bits, too few for 12-bit weights.
    wide = recurrent and fields["entry_memory"] != EntryMemory.SPRAM.value
    kind = weights or ("fixed" if wide else base["mac"])
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


def _labelled(
    evaluate: Sequence[ArrayLike | None] | str | Path | None, model: Takes
) -> tuple[ArrayLike, ArrayLike | None, ArrayLike] | None:
    """Inputs, lengths and labels to evaluate with."""
    if evaluate is None:
        return None
    if isinstance(evaluate, str | Path):
        data = load_data(evaluate, model)
        if data.y is None:
            raise ElsieError(f"{evaluate}: no array 'y' of labels to evaluate with")
        return data.x, data.lengths, data.y
    x, y = evaluate[0], evaluate[-1]
    if len(evaluate) not in (2, 3) or x is None or y is None:
        raise ElsieError("evaluate must be inputs and labels, or inputs, lengths and labels")
    return x, evaluate[1] if len(evaluate) == 3 else None, y


def _run(
    model: Model,
    x: Any,
    lengths: ArrayLike | None,
    config: EngineConfig,
    options: CompileOptions,
    evaluate: tuple[ArrayLike, ArrayLike | None, ArrayLike] | None,
    progress: Callable[[str], None] | None,
) -> Network:
    """The compiler for the model."""
    from elsie.compress.compile_cells import compile_cells
    from elsie.compress.compiler import compile_model

    names = ("density", "balanced", "acc_width", "run_width", "preset")
    common: dict[str, Any] = {name: getattr(options, name) for name in names}
    common["progress"] = progress
    if model.recurrent:
        more: dict[str, Any] = {"delta": options.delta, "evaluate": evaluate}
        return compile_cells(model, x, config=config, lengths=lengths, **more, **common)
    labelled = None if evaluate is None else (evaluate[0], evaluate[2])
    return compile_model(model, x, base=config, evaluate=labelled, **common)
