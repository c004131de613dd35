"""Compiles networks at every density, effort and alphabet, and measures what is left of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elsie.bench.compression.recipes import Case, compiled, config_for, engine
from elsie.bench.compression.rows import row
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import Evaluation
from elsie.compress.reconstruct.effort import effort_of
from elsie.compress.schemes import with_schemes
from elsie.data import load_data
from golden.errors import ElsieError


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
    """KIND or KIND:BITS of a code, such as log:4; and after a + what activations are, if they are
    no integers, as EngineConfig.act_code: log:4+log."""
    pes: int = 4
    """Processing elements."""
    rtl: bool = False
    """Run the RTL, too, once for each network and alphabet."""

    @property
    def rows(self) -> int:
        """How many there are."""
        choices = (self.models, self.densities, self.efforts, self.alphabets)
        return int(np.prod([len(one) for one in choices]))


def run(plan: Plan, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """All rows; see elsie.bench.compression.rows. `progress` is called with rows done, and all.

    Raises ElsieError for files that cannot be used, and unknown efforts and alphabets.
    """
    for effort in plan.efforts:
        effort_of(effort)
    recipes = [
        compiled(alphabet, density, effort, base=engine(plan.pes))
        for alphabet in plan.alphabets
        for density in plan.densities
        for effort in plan.efforts
    ]
    rows: list[dict[str, Any]] = []
    for path in plan.models:
        case = load_case(path, calibrate=plan.calibrate, test=plan.test)
        for alphabet in plan.alphabets:  # a layer that does not exist is told before any work
            with_schemes(case.model, *config_for(alphabet, engine(plan.pes)))
        checked: set[str] = set()
        for recipe in recipes:
            rtl = plan.rtl and recipe.alphabet not in checked
            checked.add(recipe.alphabet)
            rows.append(row(case, recipe, rtl=rtl))
            progress(len(rows), plan.rows)
    return rows


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the models, and the accuracies' standard deviation, of each way to compress."""
    keys = ("method", "alphabet", "density")
    found = []
    for key in dict.fromkeys(tuple(one[name] for name in keys) for one in rows):
        same = [one for one in rows if tuple(one[name] for name in keys) == key]
        figures = {
            name: float(np.mean([one[name] for one in same]))
            for name in rows[0]
            if name not in (*keys, "model", "seed", "rtl_equal")
        }
        spread = float(np.std([one["accuracy_golden"] for one in same]))
        found.append(
            {**dict(zip(keys, key, strict=True)), "models": len(same), **figures, "spread": spread}
        )
    return found


def load_case(
    path: Path, *, calibrate: Path, test: Path, lesson: Path | None = None, keep: Path | None = None
) -> Case:
    """From files; see Case. Raises ElsieError naming the one that cannot be used."""
    model = load_onnx(path)
    labelled = load_data(test, model)
    if labelled.y is None:
        raise ElsieError(f"{test}: no array 'y' of labels to measure the accuracy with")
    return Case(
        name=path.stem,
        model=model,
        calibrate=load_data(calibrate, model, labels=False),
        test=Evaluation(x=labelled.x, lengths=labelled.lengths, labels=labelled.y),
        lesson=None if lesson is None else load_data(lesson, model),
        keep=keep,
    )
