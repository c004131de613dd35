"""Magnitude pruning (Han et al., Learning both Weights and Connections, NIPS 2015, section 3)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.model import Model
from golden.errors import ArgumentError, ElsieError


def prune(weight: NDArray[np.float64], density: float) -> NDArray[np.float64]:
    """A copy of `weight` (any shape) that keeps the largest magnitudes; the others are 0.

    Keeps round(density x size) weights, at least 1, out of 0 < density <= 1; of equal magnitudes
    the first in row-major order stay. A weight that already is 0 stays 0, so the result has fewer
    non-zeros when the matrix is sparser than asked.

    Raises ElsieError for a density outside (0, 1].
    """
    check_density(density)
    keep = max(1, round(density * weight.size))
    flat = weight.reshape(-1)
    largest = np.argsort(-np.abs(flat), kind="stable")[:keep]
    pruned = np.zeros_like(flat)
    pruned[largest] = flat[largest]
    return pruned.reshape(weight.shape)


def check_density(density: float) -> None:
    """Raise ElsieError unless 0 < density <= 1 (which NaN is not)."""
    if not 0 < density <= 1:
        raise ArgumentError(
            f"`density` must be above 0 and at most 1 (0.1 keeps a tenth of the weights), "
            f"not {density}"
        )


def densities(
    model: Model,
    density: float | Mapping[str, float] | None,
    names: Sequence[str] | None = None,
) -> dict[str, float | None]:
    """Density of every layer, None where nothing is pruned.

    names: of the layers that will be, where they are not the model's.
    """
    names = [layer.name for layer in model.layers] if names is None else names
    if density is None:
        return dict.fromkeys(names)
    if not isinstance(density, Mapping):
        check_density(density)
        return dict.fromkeys(names, density)
    for name, value in density.items():
        if name not in names:
            raise ArgumentError(
                f"`density` names layer {name!r}, but model {model.name} has {', '.join(names)}"
            )
        try:
            check_density(value)
        except ElsieError as error:
            raise ElsieError(f"layer {name}: {error}") from None
    return {name: density.get(name) for name in names}
