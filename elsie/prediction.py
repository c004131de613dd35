"""The golden model's predictions for inputs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def accuracy(classes: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Percent of samples whose class is the label."""
    return 100.0 * float(np.mean(classes == labels))


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Cycles of the first `samples` inferences, as the engine will take them."""

    samples: int
    """How many inferences were timed."""
    cycles: float
    """Mean cycles per inference, transfers of inputs and outputs not counted."""
    useful_utilisation: float
    """MACs with a non-zero weight and activation / (PEs x cycles), over all of them."""
    steps: int | None = None
    """Steps that these sequences took; several streams share one. None for single inputs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Outputs of the golden model, bit for bit what the engine computes."""

    outputs: NDArray[np.float64]
    """Real outputs, shape (samples, n_out); or (samples, steps, n_out) for a recurrent network that
    has one in every step, 0 beyond a sample's length."""
    timing: Timing | None
    """Only if requested."""

    @property
    def classes(self) -> NDArray[np.int64]:
        """Largest output of each sample, or step; the lower class number of equal ones."""
        return self.outputs.argmax(axis=-1)

    def accuracy(self, labels: NDArray[np.int64]) -> float:
        """Percent of samples whose class is the label."""
        return accuracy(self.classes, labels)
