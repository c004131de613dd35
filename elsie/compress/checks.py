"""What the compilers of all models refuse before they begin, and the bounds of their scales."""

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.cells import FloatCells
from elsie.compress.model.model import AnyLayer, Model
from golden.errors import ElsieError

WIDEST = 53
"""Accumulator width in which a network is built before the width it needs is known."""
BIAS_BITS = 46
"""A bias takes at most these bits, so that it fits the widest accumulator with its products."""
_LARGEST = 1e12
"""Largest magnitude of a weight, bias or input; beyond it is no sensible model."""


def check_scale(model: Model, samples: NDArray[np.float64]) -> None:
    """Refuse numbers that no scale can bring into range together."""
    for layer in model.layers:
        if max(np.abs(values).max(initial=0.0) for values in parameters(layer)) > _LARGEST:
            raise ElsieError(
                f"layer {layer.name}: weights or biases are beyond {_LARGEST:g}; "
                f"normalise the model"
            )
    if np.abs(samples).max() > _LARGEST:
        raise ElsieError(f"calibration data has values beyond {_LARGEST:g}; scale the inputs")


def parameters(layer: AnyLayer) -> list[NDArray[np.float64]]:
    """All trained numbers of a layer."""
    found = [layer.weight, layer.bias]
    if isinstance(layer, FloatCells):
        more = (layer.recurrent, layer.bias_recurrent, layer.peephole, layer.projection)
        found += [values for values in more if values is not None]
    return found


def bias_limit(bias: NDArray[np.float64], in_frac: int, *, most: int) -> int:
    """Largest weight_frac, at most `most`, that does not scale a bias out of the accumulator."""
    bits = int(np.frexp(np.abs(bias).max())[1]) if bias.any() else -most
    return min(most, BIAS_BITS - bits - in_frac)
