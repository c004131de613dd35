"""The whole network taught by the dense one, without labels.

Distillation (Hinton et al., Distilling the Knowledge in a Neural Network, arXiv 1503.02531, 2015)
on the calibration samples and mixtures of two (Zhang et al., mixup, ICLR 2018), which the dense
network labels too. Adam (Kingma and Ba, ICLR 2015) moves what the masks keep, and biases. Through
layers of cells the gradient goes back through all steps, and what cells put out in each is taught
too (train.hints). Of two sequences that are mixed, the shorter one goes on with zeros.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.train.gradients import Adam, cosine, gives_scores, taught
from elsie.compress.train.hints import alike, hints
from elsie.compress.train.pupil import Pupil

BATCH = 64
MIXED = 0.75
"""Share of a batch that is mixtures."""
RATE = 0.02
"""First step of a weight, in root mean squares of its layer's weights; falls along a cosine."""
ENOUGH = 64
"""Calibration samples, or steps of them, below which a network learns them by heart."""
SEQUENCES = 0.2
"""Share of the steps of Adam for sequences: one of them costs as much as many samples."""
TOLD = 250
"""Steps from one report of progress to the next."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """The dense network, and samples to ask it about."""

    model: Model
    x: Reals
    """Shape (samples, n_in), or (samples, steps, n_in), zeros beyond a sample's length."""
    lengths: NDArray[np.int64] | None
    """Steps of each sample; None where inputs are no sequences."""

    @classmethod
    def of(cls, model: Model, given: Signal) -> "Teacher":
        """To be asked about those samples of `given` that scales are chosen from."""
        if given.valid.ndim == 1:
            return cls(model=model, x=given.rows, lengths=None)
        lengths = given.valid.sum(axis=1)
        x = np.where(given.valid[:, :, None], given.values, 0.0)
        return cls(model=model, x=x[lengths > 0], lengths=lengths[lengths > 0])

    def batch(self, random: np.random.Generator) -> tuple[Reals, NDArray[np.bool_]]:
        """Inputs, and which samples, or steps of them, count."""
        count = min(BATCH, 4 * len(self.x))
        first, second = random.integers(len(self.x), size=(2, count))
        share = np.where(random.random(count) < MIXED, random.random(count), 1.0)
        each = share.reshape(-1, *(1,) * (self.x.ndim - 1))
        x = each * self.x[first] + (1.0 - each) * self.x[second]
        if self.lengths is None:
            return x, np.ones(count, dtype=bool)
        longer = np.maximum(self.lengths[first], self.lengths[second])
        lengths = np.where(share < 1.0, longer, self.lengths[first])
        return x[:, : lengths.max()], np.arange(lengths.max()) < lengths[:, None]


def distil(
    teacher: Teacher,
    layers: Sequence[FloatLayer],
    *,
    steps: int,
    random: np.random.Generator,
    say: Callable[[str], None] = lambda _: None,
) -> list[FloatLayer]:
    """`layers` after `steps` steps, SEQUENCES of them for sequences; weights that are 0 stay 0.

    Outputs without a function are scores of classes, and their softmax is taught; others, and
    single ones, are taught themselves, by squared error.
    """
    sequences = teacher.lengths is not None
    # float32 takes half the time, and the steps of sequences are long.
    model, width = teacher.model, np.float32 if sequences else np.float64
    dense, pupil = Pupil(model.layers, width), Pupil(layers, width)
    masks, pairs = pupil.masks, alike(model.layers, layers)
    adam = Adam(pupil.arrays, [RATE * size for size in pupil.sizes])
    count = max(1, round(SEQUENCES * steps)) if sequences else steps
    for step in range(count):
        if step and step % TOLD == 0:
            say(f"distil, step {step} of {count}")
        x, valid = teacher.batch(random)
        wanted, outputs = dense.forward(x, rounding=model.snap), pupil.forward(x)
        answers = _answers(model, wanted[-1], outputs[-1], valid)
        gradients, _ = pupil.backward(answers, hints(pairs, wanted, outputs, valid))
        for gradient, mask in zip(gradients, masks, strict=True):
            gradient *= mask
        adam.step(pupil.arrays, gradients, cosine(step, count))
    return pupil.layers()


def _answers(model: Model, wanted: Reals, outputs: Reals, valid: NDArray[np.bool_]) -> Reals:
    """Gradient of the outputs that count: with a head those of a sequence's last step."""
    if model.head is not None:
        steps = np.arange(valid.shape[1])
        valid = steps == valid.sum(axis=1, keepdims=True) - 1
    error = np.zeros_like(outputs)
    scores = gives_scores(model.layers[-1])
    error[valid] = taught(outputs[valid], wanted[valid], scores=scores)
    return error
