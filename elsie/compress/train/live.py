"""The numbers of a matrix that learn: a sparse one has few, and a step takes as long as these."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals


class Live:
    """Weights that are not 0, then biases, of a matrix (rows, columns + 1)."""

    def __init__(self, whole: Reals) -> None:
        """Of `whole`, whose last column is the biases; `put` changes it."""
        self.whole = np.ascontiguousarray(whole)
        self._flat = self.whole.reshape(-1)
        learns = self.whole != 0
        learns[:, -1] = False
        weights, (rows, columns) = np.flatnonzero(learns), whole.shape
        self._count = len(weights)
        self._places = np.concatenate((weights, np.arange(1, rows + 1) * columns - 1))
        self.values = self.of(self.whole)
        """To be changed in place."""

    @property
    def weights(self) -> Reals:
        """A view of the values without biases, (1, number)."""
        return self.values[None, : self._count]

    def of(self, matrix: Reals) -> Reals:
        """What `matrix`, of the same shape, has in these places."""
        return matrix.reshape(-1)[self._places]

    def put(self, weights: Reals | None = None) -> None:
        """Write the values into the matrix, with other weights (1, number) if there are any."""
        self._flat[self._places] = self.values
        if weights is not None:
            self._flat[self._places[: self._count]] = weights[0]

    def decayed(self, gradient: Reals, decay: float) -> Reals:
        """The values' gradient from the matrix's, with `decay` for each weight as it is there."""
        found = self.of(gradient)
        found[: self._count] += decay * self._flat[self._places[: self._count]]
        return found

    def share(self, gradient: Reals, shared: Callable[[Reals], Reals]) -> None:
        """Change the values' gradient by what `shared` makes of that of the weights."""
        gradient[: self._count] = shared(gradient[None, : self._count])[0]

    def stays(self, whole: Reals) -> NDArray[np.bool_]:
        """Which of the values `Live(whole)` has; it has no others."""
        stays = self.of(whole) != 0
        stays[self._count :] = True
        return stays
