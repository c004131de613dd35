"""The whole network taught by the dense one, without labels.

Distillation (Hinton et al., Distilling the Knowledge in a Neural Network, arXiv 1503.02531, 2015)
on the calibration samples and mixtures of two (Zhang et al., mixup, ICLR 2018), which the dense
network labels too. Adam (Kingma and Ba, ICLR 2015) moves what the masks keep, and biases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.reconstruct.matrices import VIEWS

TEMPERATURE = 4.0
BATCH = 64
MIXED = 0.75
"""Share of a batch that is mixtures."""
RATE = 0.02
"""First step of a weight, in root mean squares of its layer's weights; falls along a cosine."""
ENOUGH = 64
"""Calibration samples below which a network learns them by heart."""

SLOPES = {
    "relu": lambda y: (y > 0).astype(np.float64),
    "identity": np.ones_like,
    "tanh": lambda y: 1.0 - y * y,
    "sigmoid": lambda y: y * (1.0 - y),
}
"""Derivative of each activation function, from its value."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """The dense network, and samples to ask it about."""

    model: Model
    x: Reals
    """Shape (samples, n_in)."""

    def batch(self, random: np.random.Generator) -> tuple[Reals, Reals]:
        """Inputs and the dense network's outputs."""
        count = min(BATCH, 4 * len(self.x))
        first, second = self.x[random.integers(len(self.x), size=(2, count))]
        share = np.where(random.random(count) < MIXED, random.random(count), 1.0)[:, None]
        x = share * first + (1.0 - share) * second
        return x, self.model.predict(x)


def distil(
    teacher: Teacher, layers: Sequence[FloatDense], *, steps: int, random: np.random.Generator
) -> list[FloatDense]:
    """`layers` after `steps` steps; weights that are 0 stay 0.

    Outputs without a function are scores of classes, and their softmax is taught; others, and
    single ones, are taught themselves, by squared error.
    """
    view = VIEWS[layers[0].kind]
    weights = [view.read(layer) for layer in layers]
    masks = [np.hstack((w[:, :-1] != 0, np.ones((len(w), 1), bool))) for w in weights]
    rates = [RATE * _size(w[:, :-1]) for w in weights]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    functions = [layer.activation for layer in layers]
    for step in range(1, steps + 1):
        x, wanted = teacher.batch(random)
        gradients = _gradients(functions, weights, x, wanted)
        now = 0.5 * (1.0 + np.cos(np.pi * (step - 1) / steps))
        for w, g, m, v, mask, rate in zip(
            weights, gradients, first, second, masks, rates, strict=True
        ):
            g *= mask
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            unbiased = np.sqrt(v / (1 - 0.999**step))
            w -= now * rate * m / (1 - 0.9**step) / (unbiased + 1e-8 * unbiased.max() + 1e-300)
    pairs = zip(layers, weights, strict=True)
    return [replace(layer, weight=w[:, :-1], bias=w[:, -1]) for layer, w in pairs]


def _size(weights: Reals) -> float:
    """Root mean square of those that are kept."""
    kept = weights[weights != 0]
    return float(np.sqrt(np.mean(kept**2))) if kept.size else 0.0


def _gradients(
    functions: Sequence[str], weights: Sequence[Reals], x: Reals, wanted: Reals
) -> list[Reals]:
    """Of each layer's weights (rows, columns + 1), the bias last."""
    values = [x]
    for function, w in zip(functions, weights, strict=True):
        values.append(FUNCTIONS[function](values[-1] @ w[:, :-1].T + w[:, -1]))
    outputs = values[-1]
    if functions[-1] == "identity" and outputs.shape[1] > 1:
        error = TEMPERATURE * (_softmax(outputs) - _softmax(wanted)) / len(x)
    else:
        error = (outputs - wanted) / len(x)
    found = []
    for nth in reversed(range(len(weights))):
        error = error * SLOPES[functions[nth]](values[nth + 1])
        ones = np.ones((len(x), 1))
        found.append(error.T @ np.hstack((values[nth], ones)))
        error = error @ weights[nth][:, :-1]
    return found[::-1]


def _softmax(scores: Reals) -> NDArray[np.float64]:
    spread = scores / TEMPERATURE
    powers = np.exp(spread - spread.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
