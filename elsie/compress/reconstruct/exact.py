"""Weights that are an alphabet's already: trained so, or quantised by somebody else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.compress.kinds.step import Quantised
from elsie.compress.model.layer import FloatLayer
from elsie.compress.model.model import Model
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.matrices import VIEWS
from elsie.compress.report import Step
from golden.config import EngineConfig
from golden.format.alphabets import ALPHABETS
from golden.kinds import MacKind

MOST = 1 << 12
"""Largest integer of a grid that is looked for."""
NEAR = 1e-5
"""How far weights may be from a grid, in the largest of them: float32 has lost so much."""


def is_exact(layer: FloatLayer, made: Quantised, config: EngineConfig) -> bool:
    """The codes stand for the layer's own weights, so that nothing is to be gained by moving them.

    A codebook's values have `weight_width` bits: there, every value must have a code of its own,
    and be shared by several weights or lie on a grid: else a few weights left by pruning would do.
    """
    view = VIEWS[layer.kind]
    weights, shown = view.read(layer)[:, :-1], view.read(made.shown)[:, :-1]
    if np.array_equal(shown.astype(np.float32), weights):
        return True
    if (layer.scheme or Scheme.of(config)).name != MacKind.CODEBOOK.value:
        return False
    scale = view.scales(layer, made, config)
    values, code = np.unique(weights * scale, return_inverse=True)
    shared = np.count_nonzero(weights) >= 2 * np.count_nonzero(values)
    if not shared and Integers.of(values) is None:
        return False
    first = np.zeros(len(values))
    first[code] = shown * scale
    return np.array_equal(first[code], shown * scale) and len(np.unique(first)) == len(values)


@dataclass(frozen=True, kw_only=True)
class Integers:
    """A grid that all weights lie on."""

    step: float
    """Distance of its points."""
    low: int
    """The smallest weight in steps, at most 0."""
    high: int
    """The largest, at least 0."""
    count: int
    """Different weights besides 0."""

    @classmethod
    def of(cls, weights: NDArray[np.float64]) -> "Integers | None":
        """The coarsest grid of all weights; None if the weights are no small integers."""
        values = np.unique(weights[weights != 0])
        if not values.size:
            return None
        largest = float(np.abs(values).max())
        step = largest
        for value in np.abs(values):  # Euclid, as far as the numbers are precise
            rest = float(value)
            while rest > largest * NEAR:
                step, rest = rest, abs(step - round(step / rest) * rest)
            if largest / step > MOST:
                return None
        step = largest / round(largest / step)
        integers = np.rint(values / step)
        if np.abs(integers * step - values).max() > largest * NEAR:
            return None
        ends = int(integers.min()), int(integers.max())
        return cls(step=step, low=min(ends[0], 0), high=max(ends[1], 0), count=len(values))

    @property
    def alphabet(self) -> str | None:
        """The narrowest that has all its points; None if there is none."""
        bits = max(self.high, -self.low - 1).bit_length() + 1
        codes = max(1, math.ceil(math.log2(self.count)))
        least, most = ALPHABETS[MacKind.FIXED].code_widths
        if math.frexp(self.step)[0] == 0.5 and bits <= most:
            return f"fixed weights of {max(least, bits)} bits"
        if codes <= ALPHABETS[MacKind.CODEBOOK].code_widths[1]:
            return f"codebook weights of {codes} bits"
        return None

    def __str__(self) -> str:
        """As a part of a sentence."""
        return f"integers from {self.low} to {self.high} times {self.step:.6g}"


def grid_notes(
    model: Model,
    steps: Sequence[Step],
    config: EngineConfig,
    densities: Mapping[str, float | None],
) -> list[str]:
    """What became of the grids of a model that was quantised before, a sentence for each layer."""
    if not model.quantised:
        return []
    found = []
    for layer, step in zip(model.layers, steps, strict=True):
        made, view = step.quantised, VIEWS[layer.kind]
        columns = view.scales(layer, made, config)
        grid = Integers.of(view.read(layer)[:, :-1] * columns)
        if grid is None:
            said = "its weights have no grid in common, so they are quantised like any others"
        elif is_exact(layer, made, config):
            rounded = not np.array_equal(
                view.read(made.shown)[:, :-1].astype(np.float32), view.read(layer)[:, :-1]
            )
            more = f", each value rounded to {config.weight_width} bits" if rounded else ""
            said = f"its weights stay on their grid, {grid}{more}"
        elif densities.get(layer.name) is not None:
            said = f"its weights leave their grid, {grid}, because they are pruned"
        else:
            better = f"{grid.alphabet} hold it" if grid.alphabet else "no alphabet holds it"
            said = f"its weights leave their grid, {grid}; {better}"
        found.append(f"layer {layer.name}: {said}")
    return found
