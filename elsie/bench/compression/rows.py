"""What is measured of one compressed network: a row of the benchmark."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.api import predict, simulate
from elsie.bench.compression.recipes import Case, Recipe
from elsie.compress.reconstruct.thin import SEED
from elsie.compress.scores import score_for
from golden.format.netfile import dump
from golden.record import Record

TIMED = 10
"""Samples whose cycles are counted."""
CHECKED = 2
"""Samples that the RTL runs, too."""


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """One network."""

    model: str
    """Its name."""
    method: str
    """How it was compressed."""
    alphabet: str
    density: float
    accuracy_float: float
    """Percent right before anything."""
    accuracy_golden: float
    """And in golden's integers."""
    file_bytes: int
    """Of the NET file."""
    onchip_bits: int
    """What the engine holds."""
    ratio_file: float
    """How many times less than its weights and biases in 32 bits."""
    ratio_onchip: float
    cycles: float
    """Mean of TIMED inferences."""
    rtl_equal: bool | None
    """The compiled simulation gives what golden gives, in every event; None if it was not run."""
    seed: int
    seconds: float
    """Of CPU."""


def row(case: Case, recipe: Recipe, *, rtl: bool = False) -> dict[str, Any]:
    """What `measure` gives, as JSON has it: rows are kept in files."""
    return measure(case, recipe, rtl=rtl).to_dict()


def measure(case: Case, recipe: Recipe, *, rtl: bool = False) -> Row:
    """Compress, and run golden; with `rtl` the RTL, too, on CHECKED samples."""
    network, seconds = recipe.make(case)
    x = np.asarray(case.test.x)
    lengths = None if case.test.lengths is None else np.asarray(case.test.lengths)
    timing = predict(network, x[:TIMED], lengths=_first(lengths, TIMED), timing=TIMED).timing
    assert timing is not None
    dense = 32 * sum(values.size for layer in case.model.layers for values in layer.parameters())
    onchip, size = network.info.size_bits.stored, len(dump(network))
    equal = None
    if rtl:
        short = _first(lengths, CHECKED)
        equal = simulate(network, x[:CHECKED], lengths=short, compiled=True).equal
    return Row(
        model=case.name,
        method=recipe.method,
        alphabet=recipe.alphabet,
        density=recipe.density,
        accuracy_float=_float(case),
        accuracy_golden=network.info.figures["accuracy"]["golden"],
        file_bytes=size,
        onchip_bits=onchip,
        ratio_file=round(dense / 8 / size, 2),
        ratio_onchip=round(dense / onchip, 2),
        cycles=timing.cycles,
        rtl_equal=equal,
        seed=SEED,
        seconds=round(seconds, 3),
    )


def _first(lengths: NDArray[np.int64] | None, count: int) -> NDArray[np.int64] | None:
    return None if lengths is None else lengths[:count]


def _float(case: Case) -> float:
    """Of the model as it was given."""
    score = score_for(case.model, case.test.labels, samples=len(np.asarray(case.test.x)), what="")
    assert score is not None
    outputs = case.model.predict(case.test.x, case.test.lengths)
    return score.figures(outputs)["accuracy"]
