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


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Samples with what is wanted of them."""

    x: Reals
    """Shape (samples, n_in)."""
    targets: Reals | None
    """Shape (samples, n_out); None where there are no labels."""
    teacher: Reals
    """Outputs of the network as it was given, (samples, n_out)."""
    share: float
    """Of the teacher in the gradient, 0 to 1."""
    scores: bool
    """The outputs are scores of classes."""

    @classmethod
    def of(cls, model: Model, x: Reals, y: NDArray[Any] | None, *, share: float) -> "Lesson":
        """For inputs (samples, n_in) and classes, targets or no labels."""
        targets = None
        if y is not None and y.ndim == 1 and model.n_out > 1:
            targets = np.eye(model.n_out)[y.astype(np.int64)]
        elif y is not None:
            targets = np.asarray(y, dtype=np.float64).reshape(len(x), -1)
        return cls(
            x=x,
            targets=targets,
            teacher=model.predict(x),
            share=1.0 if y is None else share,
            scores=gives_scores(model.layers[-1]),
        )

    def error(self, outputs: Reals, rows: NDArray[np.int64]) -> Reals:
        """Gradient of the outputs (rows, n_out) of these samples."""
        error = np.zeros_like(outputs)
        if self.share > 0:
            error += self.share * taught(outputs, self.teacher[rows], scores=self.scores)
        if self.targets is not None and self.share < 1:
            wanted = self.targets[rows]
            got = softmax(outputs) if self.scores and self._classes else outputs
            error += (1.0 - self.share) * (got - wanted) / len(rows)
        return error

    @cached_property
    def _classes(self) -> bool:
        """The targets are one-hot."""
        assert self.targets is not None
        binary = np.isin(self.targets, (0.0, 1.0)).all()
        return bool(binary and (self.targets.sum(axis=1) == 1).all())
