"""Compiles networks at every density, effort and alphabet, and measures what is left of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elsie.bench.compression.recipes import Case, compiled, config_for, engine
from elsie.bench.compression.rows import Row, measure
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import Evaluation
from elsie.compress.reconstruct.effort import effort_of
from elsie.compress.schemes import with_schemes
from elsie.data import load_data
from golden.errors import ElsieError
from golden.record import Record


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


def run(plan: Plan, progress: Callable[[int, int], None]) -> list[Row]:
    """All rows. `progress` is called with rows done, and all.

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
    rows: list[Row] = []
    for path in plan.models:
        case = load_case(path, calibrate=plan.calibrate, test=plan.test)
        for alphabet in plan.alphabets:  # a layer that does not exist is told before any work
            with_schemes(case.model, *config_for(alphabet, engine(plan.pes)))
        checked: set[str] = set()
        for recipe in recipes:
            rtl = plan.rtl and recipe.alphabet not in checked
            checked.add(recipe.alphabet)
            rows.append(measure(case, recipe, rtl=rtl))
            progress(len(rows), plan.rows)
    return rows


@dataclass(frozen=True, kw_only=True)
class Mean(Record):
    """Of one way to compress: means of the fields of Row over the models."""

    method: str
    alphabet: str
    density: float
    models: int
    """How many."""
    accuracy_float: float
    accuracy_golden: float
    file_bytes: float
    onchip_bits: float
    ratio_file: float
    ratio_onchip: float
    cycles: float
    seconds: float
    spread: float
    """Standard deviation of accuracy_golden."""


_MEANS = ("accuracy_float", "accuracy_golden", "file_bytes", "onchip_bits")
_MEANS += ("ratio_file", "ratio_onchip", "cycles", "seconds")


def summary(rows: Sequence[Row]) -> list[Mean]:
    """A mean for each way to compress."""
    ways: dict[tuple[str, str, float], list[Row]] = {}
    for one in rows:
        ways.setdefault((one.method, one.alphabet, one.density), []).append(one)
    return [
        Mean(
            method=method,
            alphabet=alphabet,
            density=density,
            models=len(same),
            spread=float(np.std([one.accuracy_golden for one in same])),
            **{name: float(np.mean([getattr(one, name) for one in same])) for name in _MEANS},
        )
        for (method, alphabet, density), same in ways.items()
    ]


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
