"""The golden model's predictions for inputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.profiling.cycles import LayerCycles
from golden.errors import ElsieError
from golden.record import Record
from toolchain.scratch import replacing


def accuracy(classes: NDArray[np.int64], labels: ArrayLike) -> float:
    """Percent of samples whose class is the label; labels (samples,), or one-hot (samples, n)."""
    given = np.asarray(labels)
    if given.ndim == 2 and np.isin(given, (0, 1)).all() and (given.sum(axis=1) == 1).all():
        given = given.argmax(axis=1)
    if given.shape != classes.shape:
        raise ElsieError(
            f"labels have shape {given.shape}, but the classes have {classes.shape}; give one "
            f"class number for each, or one-hot rows"
        )
    return 100.0 * float(np.mean(classes == given))


@dataclass(frozen=True, kw_only=True)
class Timing(Record):
    """Cycles of the first `samples` inferences, as the engine will take them."""

    samples: int
    """How many inferences were timed."""
    cycles: float
    """Mean cycles per inference, transfers of inputs and outputs not counted."""
    useful_utilisation: float
    """MACs with a non-zero weight and activation / (PEs x cycles), over all of them."""
    sent: float | None
    """Delta: MACs done, as a share of those that would be if every step sent everything."""
    steps: int | None
    """Steps that these sequences took; several streams share one. None for single inputs."""
    layers: tuple[LayerCycles, ...] = ()
    """Of networks with maps: where the first one's cycles went."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Outputs of the golden model, bit for bit what the engine computes."""

    outputs: NDArray[np.float64]
    """Real outputs, shape (samples, n_out); or (samples, steps, n_out) for a recurrent network that
    has one in every step, 0 beyond a sample's length."""
    timing: Timing | None
    """Only if requested."""
    clipped: float = 0.0
    """The share of the inputs that are far beyond what the scales hold (their calibration)."""
    largest_input: float = 1.0
    """The largest magnitude of the inputs, as a share of what the scales hold."""

    @property
    def classes(self) -> NDArray[np.int64]:
        """Largest output of each sample, or step; the lower class number of equal ones."""
        return self.outputs.argmax(axis=-1)

    def accuracy(self, labels: ArrayLike) -> float:
        """Percent of samples whose class is the label (samples,), or one-hot (samples, n_out)."""
        return accuracy(self.classes, labels)

    def save(
        self, path: str | Path, *, classes: bool, lengths: NDArray[np.int64] | None = None
    ) -> None:
        """Write `outputs`, and if asked for `classes`, and `lengths` if given, to a .npz file.

        A .npy file gets the outputs only. Raises ElsieError for another name, or where the file
        cannot be written; then nothing is left.
        """
        target = Path(path)
        arrays: dict[str, Any] = {"outputs": self.outputs}
        if classes:
            arrays["classes"] = self.classes
        if lengths is not None:
            arrays["lengths"] = lengths
        if target.suffix not in (".npz", ".npy"):
            raise ElsieError(
                f"{target}: outputs are written as .npz or .npy; give the file one of these endings"
            )
        with replacing(target) as part, part.open("wb") as file:
            if target.suffix == ".npy":
                np.save(file, self.outputs)
            else:
                np.savez(file, **arrays)
