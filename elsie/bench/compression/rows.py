"""What is measured of one compressed network: a row of the benchmark."""

from typing import Any

import numpy as np

from elsie.api import predict, simulate
from elsie.bench.compression.recipes import Case, Recipe
from elsie.compress.reconstruct.thin import SEED
from elsie.compress.scores import score_for
from golden.format.netfile import dump

TIMED = 10
"""Samples whose cycles are counted."""
CHECKED = 2
"""Samples that the RTL runs, too."""


def row(case: Case, recipe: Recipe, *, rtl: bool = False) -> dict[str, Any]:
    """Percent right in float and in golden's integers, sizes, cycles, and seconds of CPU.

    Float is the network as it was before anything. Ratios are to its weights and biases in 32 bits:
    of the NET file, and of what the engine holds. `rtl_equal`: the compiled simulation gives what
    golden gives, in every event; None where `rtl` does not ask for it.
    """
    network, seconds = recipe.make(case)
    x = np.asarray(case.test.x)
    lengths = None if case.test.lengths is None else np.asarray(case.test.lengths)
    timing = predict(network, x[:TIMED], lengths=_first(lengths, TIMED), timing=TIMED).timing
    assert timing is not None
    dense = 32 * sum(values.size for layer in case.model.layers for values in layer.parameters())
    onchip, size = network.info["size_bits"]["stored"], len(dump(network))
    equal = None
    if rtl:
        short = _first(lengths, CHECKED)
        equal = simulate(network, x[:CHECKED], lengths=short, compiled=True).equal
    return {
        "model": case.name,
        "method": recipe.method,
        "alphabet": recipe.alphabet,
        "density": recipe.density,
        "accuracy_float": _float(case),
        "accuracy_golden": network.info["accuracy"]["golden"],
        "file_bytes": size,
        "onchip_bits": onchip,
        "ratio_file": round(dense / 8 / size, 2),
        "ratio_onchip": round(dense / onchip, 2),
        "cycles": timing.cycles,
        "rtl_equal": equal,
        "seed": SEED,
        "seconds": round(seconds, 3),
    }


def _first(lengths: Any, count: int) -> Any:
    return None if lengths is None else lengths[:count]


def _float(case: Case) -> float:
    """Of the model as it was given."""
    score = score_for(case.model, case.test.labels, samples=len(np.asarray(case.test.x)), what="")
    assert score is not None
    outputs = case.model.predict(case.test.x, case.test.lengths)
    return score.figures(outputs)["accuracy"]
