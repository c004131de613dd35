"""Forwards and backwards through fully connected layers, whose biases are a last column."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import Reals

TEMPERATURE = 4.0
"""Of a teacher's scores (Hinton et al., Distilling the Knowledge in a Neural Network, 2015)."""

SLOPES = {
    "relu": lambda y: (y > 0).astype(np.float64),
    "identity": np.ones_like,
    "tanh": lambda y: 1.0 - y * y,
    "sigmoid": lambda y: y * (1.0 - y),
}
"""Derivative of each activation function, from its value."""


def forward(functions: Sequence[str], weights: Sequence[Reals], x: Reals) -> list[Reals]:
    """Values of all layers, (samples, width), the inputs `x` first.

    `functions` are keys of FUNCTIONS, `weights` of shape (rows, columns + 1).
    """
    values = [x]
    for function, w in zip(functions, weights, strict=True):
        values.append(FUNCTIONS[function](values[-1] @ w[:, :-1].T + w[:, -1]))
    return values


def backward(
    functions: Sequence[str], weights: Sequence[Reals], values: Sequence[Reals], error: Reals
) -> list[Reals]:
    """Gradients of each layer's weights, from `forward`'s values and that of the outputs."""
    found = []
    for nth in reversed(range(len(weights))):
        error = error * SLOPES[functions[nth]](values[nth + 1])
        ones = np.ones((len(error), 1))
        found.append(error.T @ np.hstack((values[nth], ones)))
        error = error @ weights[nth][:, :-1]
    return found[::-1]


def gives_scores(functions: Sequence[str], n_out: int) -> bool:
    """The outputs are scores of classes: several, without a function."""
    return functions[-1] == "identity" and n_out > 1


def softmax(scores: Reals, temperature: float = 1.0) -> NDArray[np.float64]:
    """Shares (samples, n_out) of classes."""
    spread = scores / temperature
    powers = np.exp(spread - spread.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def taught(functions: Sequence[str], outputs: Reals, wanted: Reals) -> Reals:
    """Gradient of the outputs towards a teacher's outputs `wanted`, both (samples, n_out).

    Scores by the divergence of their softmax at TEMPERATURE, others by squared error.
    """
    if gives_scores(functions, outputs.shape[1]):
        error = softmax(outputs, TEMPERATURE) - softmax(wanted, TEMPERATURE)
        return TEMPERATURE * error / len(outputs)
    return (outputs - wanted) / len(outputs)


class Adam:
    """Kingma and Ba, ICLR 2015; steps are in proportion to `rates`, one for each matrix."""

    def __init__(self, weights: Sequence[Reals], rates: Sequence[float]) -> None:
        """For matrices of these shapes."""
        self._first, self._second = ([np.zeros_like(w) for w in weights] for _ in range(2))
        self._rates, self._steps = rates, 0

    def step(self, weights: Sequence[Reals], gradients: Sequence[Reals], share: float) -> None:
        """Move `weights` in place, `share` of the rates far."""
        self._steps += 1
        moments = zip(weights, gradients, self._first, self._second, self._rates, strict=True)
        for w, g, m, v, rate in moments:
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            unbiased = np.sqrt(v / (1 - 0.999**self._steps))
            divisor = unbiased + 1e-8 * unbiased.max() + 1e-300
            w -= share * rate * m / (1 - 0.9**self._steps) / divisor


def cosine(step: int, steps: int) -> float:
    """Falls from 1 at step 0 to 0 at `steps`."""
    return 0.5 * (1.0 + np.cos(np.pi * step / steps))


def size(weights: Reals) -> float:
    """Root mean square of those that are not 0."""
    kept = weights[weights != 0]
    return float(np.sqrt(np.mean(kept**2))) if kept.size else 0.0
