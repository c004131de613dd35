"""The whole network taught by the dense one, without labels.

Distillation (Hinton et al., Distilling the Knowledge in a Neural Network, arXiv 1503.02531, 2015)
on the calibration samples and mixtures of two (Zhang et al., mixup, ICLR 2018), which the dense
network labels too. Adam (Kingma and Ba, ICLR 2015) moves what the masks keep, and biases. Through
layers of cells the gradient goes back through all steps, and what cells put out in each is taught
too (train.hints). Of two sequences that are mixed, the shorter one goes on with zeros.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.train.gradients import Adam, cosine, gives_scores, taught
from elsie.compress.train.hints import alike, hints
from elsie.compress.train.live import Live, sizes
from elsie.compress.train.passes.registry import read, write
from elsie.compress.train.pupil import Pupil

BATCH = 64
AHEAD = 8
"""Batches that the dense network answers at once, as that takes less time; not of sequences."""
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

    def batches(self, steps: int, random: np.random.Generator) -> Iterator["Batch"]:
        """So many, in float32; where the dense network rounds to grids, in float64."""
        width = np.float64 if self.model.grids else np.float32
        dense, every = Pupil(self.model.layers, width), replace(self, x=self.x.astype(width))
        count, ahead = min(BATCH, 4 * len(self.x)), AHEAD if self.lengths is None else 1
        for done in range(0, steps, ahead):
            some = min(ahead, steps - done)
            x, valid = every.mixed(some * count, random)
            wanted = dense.forward(x, rounding=self.model.snap)
            for start in range(0, some * count, count):
                rows = slice(start, start + count)
                yield Batch(x[rows], valid[rows], [one[rows] for one in wanted])

    def mixed(self, count: int, random: np.random.Generator) -> tuple[Reals, NDArray[np.bool_]]:
        """Inputs, and which samples, or steps of them, count."""
        first, second = random.integers(len(self.x), size=(2, count))
        share = np.where(random.random(count) < MIXED, random.random(count), 1.0)
        each = share.reshape(-1, *(1,) * (self.x.ndim - 1)).astype(self.x.dtype)
        x = each * self.x[first] + (1.0 - each) * self.x[second]
        if self.lengths is None:
            return x, np.ones(count, dtype=bool)
        longer = np.maximum(self.lengths[first], self.lengths[second])
        lengths = np.where(share < 1.0, longer, self.lengths[first])
        return x[:, : lengths.max()], np.arange(lengths.max()) < lengths[:, None]


class Batch(NamedTuple):
    """What there is to learn in a step."""

    x: Reals
    """Inputs."""
    valid: NDArray[np.bool_]
    """Which samples, or steps of them, count."""
    wanted: list[Reals]
    """Outputs of each dense layer."""


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
    model, pairs = teacher.model, alike(teacher.model.layers, layers)
    pupil = Pupil(layers, np.float32)  # half the time
    live = [Live(read(layer), width=np.float32) for layer in layers]
    values = [one.values for one in live]
    rates = [[RATE * size for size in sizes(one.arrays)] for one in live]
    adam = Adam(values, [one.rates(each) for one, each in zip(live, rates, strict=True)])
    count = steps if teacher.lengths is None else max(1, round(SEQUENCES * steps))
    for step, (x, valid, wanted) in enumerate(teacher.batches(count, random)):
        if step and step % TOLD == 0:
            say(f"distil, step {step} of {count}")
        outputs = pupil.forward(x, [array for one in live for array in one.arrays])
        answers = _answers(model, wanted[-1], outputs[-1], valid)
        found = iter(pupil.backward(answers, hints(pairs, wanted, outputs, valid))[0])
        gradients = [one.gradient([next(found) for _ in one.arrays]) for one in live]
        adam.step(values, gradients, cosine(step, count))
        for one in live:
            one.put()
    return [write(layer, one.arrays) for layer, one in zip(layers, live, strict=True)]


def _answers(model: Model, wanted: Reals, outputs: Reals, valid: NDArray[np.bool_]) -> Reals:
    """Gradient of the outputs that count: with a head those of a sequence's last step."""
    scores = gives_scores(model.layers[-1])
    if valid.ndim == 1:
        return taught(outputs, wanted, scores=scores).astype(outputs.dtype, copy=False)
    if model.head is not None:
        steps = np.arange(valid.shape[1])
        valid = steps == valid.sum(axis=1, keepdims=True) - 1
    error = np.zeros_like(outputs)
    error[valid] = taught(outputs[valid], wanted[valid], scores=scores)
    return error
