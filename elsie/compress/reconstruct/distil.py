"""The whole network taught by the dense one, without labels.

Distillation (Hinton et al., Distilling the Knowledge in a Neural Network, arXiv 1503.02531, 2015)
on the calibration samples and mixtures of two (Zhang et al., mixup, ICLR 2018), which the dense
network labels too. Adam (Kingma and Ba, ICLR 2015) moves what the masks keep, and biases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.reconstruct.matrices import VIEWS
from elsie.compress.train.gradients import Adam, backward, cosine, forward, size, taught

BATCH = 64
MIXED = 0.75
"""Share of a batch that is mixtures."""
RATE = 0.02
"""First step of a weight, in root mean squares of its layer's weights; falls along a cosine."""
ENOUGH = 64
"""Calibration samples below which a network learns them by heart."""


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
    adam = Adam(weights, [RATE * size(w[:, :-1]) for w in weights])
    functions = [layer.activation for layer in layers]
    for step in range(steps):
        x, wanted = teacher.batch(random)
        values = forward(functions, weights, x)
        gradients = backward(functions, weights, values, taught(functions, values[-1], wanted))
        for gradient, mask in zip(gradients, masks, strict=True):
            gradient *= mask
        adam.step(weights, gradients, cosine(step, steps))
    pairs = zip(layers, weights, strict=True)
    return [replace(layer, weight=w[:, :-1], bias=w[:, -1]) for layer, w in pairs]
