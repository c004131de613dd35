"""What a network is trained towards: targets, and the outputs of the network as it was given."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.train.gradients import gives_scores, softmax, taught

BATCH = 64
AT_ONCE = 1024
"""Sequences that the given network answers at once, as it keeps all of their steps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Samples with what is wanted of them."""

    model: Model
    """The network as it was given."""
    x: Reals
    """Shape (samples, n_in), or (samples, steps, n_in)."""
    lengths: NDArray[np.int64] | None
    """Steps of each sample; None where inputs are no sequences."""
    targets: Reals | None
    """Shape (samples, n_out), or (samples, steps, n_out) where every step has an output; None where
    there are no labels."""
    teacher: Reals
    """Outputs of the network as it was given, of the same shape."""
    share: float
    """Of the teacher in the gradient, 0 to 1."""
    scores: bool
    """The outputs are scores of classes."""

    @classmethod
    def of(
        cls,
        model: Model,
        x: Reals,
        y: NDArray[Any] | None,
        *,
        share: float,
        lengths: NDArray[np.int64] | None = None,
    ) -> "Lesson":
        """For inputs and classes, targets or no labels; one for each output of the network.

        lengths: of sequences, None for all steps.
        """
        if model.recurrent and lengths is None:
            lengths = np.full(len(x), x.shape[1])
        teacher, targets = _answers(model, x, lengths), None
        if y is not None and y.ndim == teacher.ndim - 1 and model.n_out > 1:
            targets = np.eye(model.n_out)[y.astype(np.int64)]
        elif y is not None:
            targets = np.asarray(y, dtype=np.float64).reshape(teacher.shape)
        return cls(
            model=model,
            x=x,
            lengths=lengths,
            targets=targets,
            teacher=teacher,
            share=1.0 if y is None else share,
            scores=gives_scores(model.layers[-1]),
        )

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which samples, or steps of them, count: (samples,) or (samples, steps)."""
        return self.batch(np.arange(len(self.x)))[1]

    def batch(self, rows: NDArray[np.int64]) -> tuple[Reals, NDArray[np.bool_]]:
        """Inputs of these samples up to the longest, and which, or which of their steps, count."""
        if self.lengths is None:
            return self.x[rows], np.ones(len(rows), dtype=bool)
        lengths = self.lengths[rows]
        longest = lengths.max()
        return self.x[rows, :longest], np.arange(longest) < lengths[:, None]

    def error(self, outputs: Reals, rows: NDArray[np.int64]) -> Reals:
        """Gradient of the outputs (rows, n_out), or (rows, steps, n_out), of these samples.

        With a head only the last step of each counts.
        """
        teacher, targets = self.teacher[rows], None if self.targets is None else self.targets[rows]
        if self.lengths is None:
            return self._error(outputs, teacher, targets)
        steps, lengths = np.arange(outputs.shape[1]), self.lengths[rows, None]
        valid = steps == lengths - 1
        if self.model.head is None:
            valid = steps < lengths
            teacher = teacher[:, : len(steps)][valid]
            targets = None if targets is None else targets[:, : len(steps)][valid]
        error = np.zeros_like(outputs)
        error[valid] = self._error(outputs[valid], teacher, targets)
        return error

    def _error(self, outputs: Reals, teacher: Reals, targets: Reals | None) -> Reals:
        """Of outputs (rows, n_out) that all count."""
        error = np.zeros_like(outputs)
        if self.share > 0:
            error += self.share * taught(outputs, teacher, scores=self.scores)
        if targets is not None and self.share < 1:
            got = softmax(outputs) if self.scores and self._classes else outputs
            error += (1.0 - self.share) * (got - targets) / len(outputs)
        return error

    @cached_property
    def _classes(self) -> bool:
        """The targets are one-hot."""
        assert self.targets is not None
        binary = np.isin(self.targets, (0.0, 1.0)).all()
        return bool(binary and (self.targets.sum(axis=-1) == 1).all())


def _answers(model: Model, x: Reals, lengths: NDArray[np.int64] | None) -> Reals:
    """Outputs (samples, n_out), or (samples, steps, n_out), for inputs of that many samples."""
    if lengths is None:
        return model.predict(x)
    starts = range(0, len(x), AT_ONCE)
    each = [model.predict(x[at : at + AT_ONCE], lengths[at : at + AT_ONCE]) for at in starts]
    return np.concatenate(each)
