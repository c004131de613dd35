"""Fully connected layers, forwards and backwards."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import Reals

SLOPES = {
    "relu": lambda y: (y > 0).astype(y.dtype),
    "identity": np.ones_like,
    "tanh": lambda y: 1.0 - y * y,
    "sigmoid": lambda y: y * (1.0 - y),
}
"""Derivative of each activation function, from its value."""


class Tape(NamedTuple):
    """What the way back needs."""

    x: Reals
    """Inputs (rows, n_in)."""
    outputs: Reals
    """Outputs (rows, n_out)."""


def forward(layer: FloatDense, arrays: Sequence[Reals], x: Reals) -> tuple[Reals, Tape]:
    """Outputs (..., n_out) for inputs (..., n_in)."""
    (w,) = arrays
    flat = x.reshape(-1, x.shape[-1])
    outputs = FUNCTIONS[layer.activation](flat @ w[:, :-1].T + w[:, -1])
    return outputs.reshape(*x.shape[:-1], -1), Tape(flat, outputs)


def backward(
    layer: FloatDense, arrays: Sequence[Reals], tape: Tape, error: Reals, *, inputs: bool = True
) -> tuple[list[Reals], Reals | None]:
    """Gradients of the arrays, and of the inputs if they are wanted, from that of the outputs."""
    (w,) = arrays
    sums = error.reshape(tape.outputs.shape) * SLOPES[layer.activation](tape.outputs)
    ones = np.ones((len(sums), 1), sums.dtype)
    before = (sums @ w[:, :-1]).reshape(*error.shape[:-1], -1) if inputs else None
    return [sums.T @ np.hstack((tape.x, ones))], before
