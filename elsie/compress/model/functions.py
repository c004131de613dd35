"""Activation functions of trained layers in floating point."""

from collections.abc import Callable, Mapping

import numpy as np

from elsie.compress.model.layer import Reals


def sigmoid(x: Reals) -> Reals:
    """1 / (1 + e^-x), of any shape."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


FUNCTIONS: Mapping[str, Callable[[Reals], Reals]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "identity": lambda x: x,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}
"""By name, as in golden.format.activations; each takes and returns any shape."""
