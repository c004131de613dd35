"""Compiles networks at every density, effort and alphabet, and measures what is left of them."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elsie.api import predict
from elsie.compress.compiler import compile_model
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from elsie.compress.reconstruct.effort import effort_of
from elsie.compress.reconstruct.thin import SEED
from elsie.data import Data, load_data
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.netfile import save

TIMED = 10
"""Samples whose cycles are counted."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured; every combination is a row."""

    models: Sequence[Path]
    """Trained networks of one shape, of several seeds."""
    calibrate: Path
    """Inputs without labels."""
    test: Path
    """Inputs and labels."""
    densities: Sequence[float]
    """1 keeps the model's own zeros."""
    efforts: Sequence[str]
    """Of elsie.compress.reconstruct.effort.EFFORTS."""
    alphabets: Sequence[str]
    """As for `elsie.compile`: log:4, or codebook:4,fc2=ternary."""
    pes: int = 4
    """Processing elements."""

    @property
    def rows(self) -> int:
        """How many there are."""
        choices = (self.models, self.densities, self.efforts, self.alphabets)
        return int(np.prod([len(one) for one in choices]))


def run(plan: Plan, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """All rows; see `_row`. `progress` is called with rows done, and all.

    Raises ElsieError for files that cannot be used, and unknown efforts and alphabets.
    """
    for effort in plan.efforts:
        effort_of(effort)
    base = EngineConfig.from_dict({"pes": plan.pes, "group": 1, "act_width": 16, "acc_width": 53})
    configs = [(name, with_weights(base, name)) for name in plan.alphabets]
    rows: list[dict[str, Any]] = []
    for path, model, calibrate, test in _loaded(plan):
        for config, density, effort in itertools.product(configs, plan.densities, plan.efforts):
            made = {"model": path.stem, "method": effort, "alphabet": config[0], "density": density}
            rows.append(made | _row(model, calibrate, test, config, density, effort))
            progress(len(rows), plan.rows)
    return rows


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the models, and the accuracies' standard deviation, of each way to compress."""
    keys = ("method", "alphabet", "density")
    found = []
    for key in dict.fromkeys(tuple(row[name] for name in keys) for row in rows):
        same = [row for row in rows if tuple(row[name] for name in keys) == key]
        figures = {
            name: float(np.mean([row[name] for row in same]))
            for name in rows[0]
            if name not in (*keys, "model", "seed")
        }
        spread = float(np.std([row["accuracy_golden"] for row in same]))
        found.append(
            {**dict(zip(keys, key, strict=True)), "models": len(same), **figures, "spread": spread}
        )
    return found


def _loaded(plan: Plan) -> Iterator[tuple[Path, Model, Data, Evaluation]]:
    for path in plan.models:
        model = load_onnx(path)
        test = load_data(plan.test, model)
        if test.y is None:
            raise ElsieError(f"{plan.test}: no array 'y' of labels to measure the accuracy with")
        labelled = Evaluation(x=test.x, lengths=test.lengths, labels=test.y)
        yield path, model, load_data(plan.calibrate, model, labels=False), labelled


def _row(
    model: Model,
    calibrate: Data,
    test: Evaluation,
    alphabet: tuple[str, EngineConfig],
    density: float,
    effort: str,
) -> dict[str, Any]:
    """Percent right in float and in golden's integers, sizes, cycles, and seconds of CPU.

    Ratios are to weights and biases in 32-bit float: of the NET file, and of what the engine holds.
    """
    start = time.process_time()
    network = compile_model(
        model,
        calibrate.x,
        config=alphabet[1],
        lengths=calibrate.lengths,
        options=CompileOptions(
            density=None if density == 1 else density, weights=alphabet[0], effort=effort
        ),
        evaluate=test,
    )
    seconds = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        save(network, Path(folder) / "net")
        size = (Path(folder) / "net").stat().st_size
    x = np.asarray(test.x)[:TIMED]
    lengths = None if test.lengths is None else np.asarray(test.lengths)[:TIMED]
    timing = predict(network, x, lengths=lengths, timing=TIMED).timing
    assert timing is not None
    bits, accuracy = network.info["size_bits"], network.info["accuracy"]
    return {
        "accuracy_float": accuracy["float"],
        "accuracy_golden": accuracy["golden"],
        "file_bytes": size,
        "onchip_bits": bits["stored"],
        "ratio_file": round(bits["dense"] / 8 / size, 2),
        "ratio_onchip": round(bits["dense"] / bits["stored"], 2),
        "cycles": timing.cycles,
        "seed": SEED,
        "seconds": round(seconds, 3),
    }
