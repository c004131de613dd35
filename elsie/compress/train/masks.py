"""Gradual magnitude pruning.

Zhu and Gupta, To prune, or not to prune, arXiv 1710.01878, 2017: the density falls along a cubic
curve while the network learns. Dense networks' last layers are small and all their outputs count,
so theirs stays higher.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from elsie.compress.model.layer import Reals
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
    sizes = [layer.n_in * layer.n_out for layer in model.layers]
    weighed = sum(sizes[:-1]) + LAST * sizes[-1]
    each = density * sum(sizes) / weighed
    if LAST * each > 1 or len(sizes) == 1:
        return [float(density)] * len(sizes)
    return [each] * (len(sizes) - 1) + [LAST * each]


def pruned(weights: Sequence[Reals], densities: Sequence[float], progress: float) -> list[Reals]:
    """Copies of `weights` (rows, columns + 1) at `progress`, 0 to 1, of the pruning."""
    left = (1.0 - min(1.0, progress / FALLING)) ** 3
    found = []
    for w, last in zip(weights, densities, strict=True):
        matrix = w[:, :-1] if last == 1.0 else prune(w[:, :-1], last + (1.0 - last) * left)
        found.append(np.hstack((matrix, w[:, -1:])))
    return found
