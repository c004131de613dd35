"""Gradual magnitude pruning.

Zhu and Gupta, To prune, or not to prune, arXiv 1710.01878, 2017: the density falls along a cubic
curve while the network learns. Dense networks' last layers are small and all their outputs count,
so theirs stays higher.

With surgery (Guo et al., Dynamic Network Surgery for Efficient DNNs, NIPS 2016) a pruned weight
learns on by the gradient at 0, and comes back when it has become one of the largest. There, two
thresholds decide; here the density does, so that it is as asked.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.prune.prune import densities, prune

FALLING = 0.65
"""Share of the steps in which the density falls."""
LAST = 2.5
"""The last layer's density in multiples of the others'."""
EVERY = 50
"""Steps from one mask to the next."""


def targets(model: Model, density: float | Mapping[str, float] | None) -> list[float]:
    """Density of each layer in the end, 1 where nothing is pruned.

    A single density is that of all layers together. Raises ElsieError for one that cannot be.
    """
    chosen = densities(model, density)
    if not isinstance(density, float | int):
        return [1.0 if value is None else value for value in chosen.values()]
    parts = [layer.parts() for layer in model.layers]
    return shares([sum(m.size for part in own for m in part.matrices) for own in parts], density)


def shares(sizes: Sequence[int], density: float) -> list[float]:
    """Density of each layer, of so many weights, for one of all together; all equal if it must."""
    weighed = sum(sizes[:-1]) + LAST * sizes[-1]
    each = density * sum(sizes) / weighed
    if LAST * each > 1 or len(sizes) == 1:
        return [float(density)] * len(sizes)
    return [each] * (len(sizes) - 1) + [LAST * each]


def pruned(
    layers: Sequence[FloatLayer], densities: Sequence[float], progress: float
) -> list[FloatLayer]:
    """Layers at `progress`, 0 to 1, of the pruning; each matrix keeps the same share."""
    found = []
    for layer, last in zip(layers, densities, strict=True):
        parts = [
            replace(part, matrices=tuple(thinned(m, last, progress) for m in part.matrices))
            for part in layer.parts()
        ]
        found.append(layer.with_parts(tuple(parts)))
    return found


def thinned(matrix: Reals, density: float, progress: float) -> Reals:
    """A matrix at `progress`, 0 to 1, on the way to a density; 1 leaves it as it is."""
    left = (1.0 - min(1.0, progress / FALLING)) ** 3
    return matrix if density == 1.0 else prune(matrix, density + (1.0 - density) * left)


def due(step: int, steps: int) -> bool:
    """There are new masks in this one of the steps; the last ones when the density is reached."""
    last = math.ceil(FALLING * steps)
    return step == last or (step < last and step % EVERY == 0)
