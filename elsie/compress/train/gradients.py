"""Gradients of the outputs, and steps of Adam along those of weights."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import FloatLayer, Reals

TEMPERATURE = 4.0
"""Of a teacher's scores (Hinton et al., Distilling the Knowledge in a Neural Network, 2015)."""


def gives_scores(last: FloatLayer) -> bool:
    """The last layer's outputs are scores of classes: several, without a function."""
    return isinstance(last, FloatDense) and last.activation == "identity" and last.n_out > 1


def softmax(scores: Reals, temperature: float = 1.0) -> NDArray[np.float64]:
    """Shares (samples, n_out) of classes."""
    spread = scores / temperature
    powers = np.exp(spread - spread.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def taught(outputs: Reals, wanted: Reals, *, scores: bool) -> Reals:
    """Gradient of the outputs towards a teacher's outputs `wanted`, both (samples, n_out).

    Scores by the divergence of their softmax at TEMPERATURE, others by squared error.
    """
    if scores:
        error = softmax(outputs, TEMPERATURE) - softmax(wanted, TEMPERATURE)
        return TEMPERATURE * error / len(outputs)
    return (outputs - wanted) / len(outputs)


class Adam:
    """Kingma and Ba, ICLR 2015; steps are in proportion to `rates`, of each array or number."""

    def __init__(self, weights: Sequence[Reals], rates: Sequence[float | Reals]) -> None:
        """For arrays of these shapes."""
        self._first, self._second = ([np.zeros_like(w) for w in weights] for _ in range(2))
        self._rates, self._steps = rates, 0

    def keep(self, chosen: Sequence[NDArray[np.bool_]]) -> None:
        """From now on, of each array of weights only the chosen ones."""
        for moments in (self._first, self._second):
            moments[:] = [one[stays] for one, stays in zip(moments, chosen, strict=True)]
        pairs = zip(self._rates, chosen, strict=True)
        self._rates = [r[stays] if isinstance(r, np.ndarray) else r for r, stays in pairs]

    def step(self, weights: Sequence[Reals], gradients: Sequence[Reals], share: float) -> None:
        """Move `weights` in place, `share` of the rates far."""
        self._steps += 1
        moments = zip(weights, gradients, self._first, self._second, self._rates, strict=True)
        for w, g, m, v, rate in moments:
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            unbiased = np.sqrt(v / (1 - 0.999**self._steps))
            divisor = unbiased + 1e-8 * unbiased.max() + float(np.finfo(v.dtype).tiny)
            w -= share * rate * m / (1 - 0.9**self._steps) / divisor


def cosine(step: int, steps: int) -> float:
    """Falls from 1 at step 0 to 0 at `steps`."""
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))


def size(weights: Reals) -> float:
    """Root mean square of those that are not 0."""
    kept = weights[weights != 0]
    return float(np.sqrt(np.mean(kept**2))) if kept.size else 0.0
