"""The numbers of a layer that learn: a sparse one has few, and a step takes as long as these."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals


class Live:
    """Weights that are not 0, then biases, of a layer's arrays (train.pupil)."""

    def __init__(self, arrays: Sequence[Reals], units: Sequence[Reals] | None = None) -> None:
        """Of copies of `arrays`: a matrix, its last column the biases, and what is beside it.

        units: what values are, in multiples of what the arrays have in their place (train.units),
        of the arrays' shapes.
        """
        self._flat = _flat(arrays)
        ends = np.cumsum([array.size for array in arrays])
        views = np.split(self._flat, ends[:-1])
        self.arrays = [view.reshape(array.shape) for view, array in zip(views, arrays, strict=True)]
        """As `put` writes them."""
        rows, columns = arrays[0].shape
        biases = np.arange(1, rows + 1) * columns - 1
        learns = self._flat != 0
        learns[biases] = False
        weights = np.flatnonzero(learns)
        self._count = len(weights)
        self._places = np.concatenate((weights, biases))
        self.zeros = any(not array.all() for array in arrays[1:])
        """Some number beside the matrix is 0; it has an entry in the engine all the same."""
        self._units = None if units is None else self.of(units)
        self.values = self.of(arrays)
        """To be changed in place."""
        if self._units is not None:
            self.values *= self._units

    @property
    def weights(self) -> Reals:
        """A view of the values without biases, (1, number)."""
        return self.values[None, : self._count]

    def rates(self, rate: float, *, equal: bool = False) -> float | Reals:
        """Of the values, for one of what they stand for; `equal`: the least, for all weights."""
        if self._units is None:
            return rate
        found = rate * self._units
        if equal:
            found[: self._count] = found[: self._count].min(initial=rate)
        return found

    def of(self, arrays: Sequence[Reals]) -> Reals:
        """What other arrays, of the same shapes, have in these places."""
        return _flat(arrays)[self._places]

    def put(self, weights: Reals | None = None) -> None:
        """Write the values into the arrays, with other weights (1, number) if there are any."""
        self._write(self.values)
        if weights is not None:
            self._write(weights[0])

    def gradient(self, arrays: Sequence[Reals], decay: float) -> Reals:
        """The values' from that of the arrays, with `decay` for each weight as it is there."""
        found = self.of(arrays)
        found[: self._count] += decay * self._flat[self._places[: self._count]]
        if self._units is not None:
            found /= self._units
        return found

    def share(self, gradient: Reals, shared: Callable[[Reals], Reals]) -> None:
        """Change the values' gradient by what `shared` makes of that of the weights."""
        gradient[: self._count] = shared(gradient[None, : self._count])[0]

    def stays(self, arrays: Sequence[Reals]) -> NDArray[np.bool_]:
        """Which of the values `Live(arrays)` has; it has no others."""
        stays = self.of(arrays) != 0
        stays[self._count :] = True
        return stays

    def _write(self, values: Reals) -> None:
        """The first ones."""
        count = len(values)
        plain = values if self._units is None else values / self._units[:count]
        self._flat[self._places[:count]] = plain


def _flat(arrays: Sequence[Reals]) -> Reals:
    """All of them in a row, a copy."""
    return np.concatenate([array.reshape(-1) for array in arrays])
