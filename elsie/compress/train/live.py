"""The numbers of a layer that learn: a sparse one has few, and a step takes as long as these."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.train.gradients import size


class Live:
    """Weights that are not 0, then biases, of a layer's arrays (train.pupil)."""

    def __init__(
        self,
        arrays: Sequence[Reals],
        units: Sequence[Reals] | None = None,
        *,
        width: DTypeLike = np.float64,
    ) -> None:
        """Of copies of `arrays`: a matrix, its last column the biases, and what is beside it.

        units: what values are, in multiples of what the arrays have in their place (train.units),
        of the arrays' shapes. width: of the copies, and of the values.
        """
        self._flat = np.array(_flat(arrays), width)
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
        self.values = self.of(self.arrays)
        """To be changed in place."""
        if self._units is not None:
            self.values *= self._units

    @property
    def weights(self) -> Reals:
        """A view of the values without biases, (1, number)."""
        return self.values[None, : self._count]

    def rates(self, each: Sequence[float], *, equal: bool = False) -> float | Reals:
        """Of the values, for one of each array: a single one where that is all there is to say.

        equal: the least one for all weights.
        """
        if len(each) == 1 and self._units is None:
            return each[0]
        pairs = zip(self.arrays, each, strict=True)
        found = self.of([np.full(array.shape, rate) for array, rate in pairs])
        if self._units is not None:
            found *= self._units
        if equal:
            found[: self._count] = found[: self._count].min(initial=max(each))
        return found

    def of(self, arrays: Sequence[Reals]) -> Reals:
        """What other arrays, of the same shapes, have in these places."""
        return _flat(arrays)[self._places]

    def put(self, weights: Reals | None = None) -> None:
        """Write the values into the arrays, with other weights (1, number) if there are any."""
        self._write(self.values)
        if weights is not None:
            self._write(weights[0])

    def gradient(self, arrays: Sequence[Reals], decay: float = 0.0) -> Reals:
        """The values' from that of the arrays, with `decay` for each weight as it is there."""
        found = self.of(arrays)
        if decay:
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


def sizes(arrays: Sequence[Reals]) -> list[float]:
    """Root mean square of each array's weights that are not 0."""
    return [size(array) for array in (arrays[0][:, :-1], *arrays[1:])]


def _flat(arrays: Sequence[Reals]) -> Reals:
    """All of them in a row."""
    if len(arrays) == 1:
        return arrays[0].reshape(-1)
    return np.concatenate([array.reshape(-1) for array in arrays])
