"""Training of weights that end as values of an alphabet."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Reals
from elsie.compress.quantise.kmeans import kmeans, nearest
from elsie.compress.train.gradients import Adam, cosine

FROZEN = 0.7
"""Share of the steps after which codes of a codebook stand."""
SLOWER = 0.1
"""Rate of a codebook's values from then on."""
MEANS = 10
"""Steps from one set of a codebook's values to the next."""
STAGES = ((0.0, 0.5), (0.2, 0.75), (0.4, 0.875), (0.6, 1.0))
"""After this share of the steps, this share of the weights is frozen."""

THRESHOLD = 0.05
"""Of the largest magnitude: below, a weight counts as 0 (TTQ's)."""
SCALE_RATE = 0.02
"""First step of a scale, in multiples of itself."""


class Training(ABC):
    """One layer's matrix on its way to an alphabet; weights that are 0 stay 0."""

    rate = 1.0
    """Of the weights' own."""
    chooses = False
    """It decides itself which weights become 0, where nothing was pruned."""

    @abstractmethod
    def __init__(self, matrix: Reals, grid: Reals, bits: int) -> None:
        """Of `matrix`, to at most 2**bits values, of which `grid` are a first choice, ascending."""

    @abstractmethod
    def shown(self, matrix: Reals) -> Reals:
        """The weights that the network runs with, for the ones that are trained."""

    def shared(self, gradient: Reals) -> Reals:
        """The gradient of the trained weights from that of the shown ones, same shape."""
        return gradient

    @abstractmethod
    def after(self, matrix: Reals, step: int, steps: int) -> bool:
        """Do what is due after step number `step`, from 0; may change `matrix`.

        True if the weights begin anew, at another rate.
        """

    def state(self) -> dict[str, Any]:
        """All that changes on the way: arrays, numbers, None and lists or dicts of these."""
        return {
            name: dict(vars(value)) if isinstance(value, Adam) else value
            for name, value in vars(self).items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another of the same kind and shape was."""
        for name, value in state.items():
            if isinstance(vars(self).get(name), Adam):
                vars(getattr(self, name)).update(value)
            else:
                setattr(self, name, value)


class Codebook(Training):
    """Straight through: gradients at the shared values move the weights behind them.

    Values are their weights' means (Han et al., Deep Compression, ICLR 2016, section 3, whose
    codes stand from the start). When codes stand, weights of a code have one gradient, and so
    stay equal.
    """

    def __init__(self, matrix: Reals, grid: Reals, bits: int) -> None:
        """Start with the values of least squared error, not yet rounded as in `grid`."""
        self._values = kmeans(matrix[matrix != 0], 1 << bits)
        self._mask = matrix != 0
        self._codes: NDArray[np.int64] | None = None

    def shown(self, matrix: Reals) -> Reals:
        """The nearest value of each."""
        if self._codes is not None:
            return matrix
        return np.where(self._mask, self._values[nearest(matrix, self._values)], 0.0)

    def shared(self, gradient: Reals) -> Reals:
        """Of a code the mean, once codes stand."""
        if self._codes is None:
            return gradient
        means = self._mean(gradient[self._mask])
        found = np.zeros_like(gradient)
        found[self._mask] = means[self._codes]
        return found

    def after(self, matrix: Reals, step: int, steps: int) -> bool:
        """New values now and then, and at FROZEN the last codes."""
        if self._codes is not None:
            return False
        kept = matrix[self._mask]
        if step % MEANS == 0:
            codes = nearest(kept, self._values)
            self._values = np.sort(self._mean(kept, codes))
        if step + 1 < FROZEN * steps:
            return False
        self._codes = nearest(kept, self._values)
        matrix[self._mask] = self._values[self._codes]
        self.rate = SLOWER
        return True

    def _mean(self, numbers: Reals, codes: NDArray[np.int64] | None = None) -> Reals:
        """Of each code; a code of no weight keeps its value."""
        codes = self._codes if codes is None else codes
        assert codes is not None
        count = np.bincount(codes, minlength=len(self._values))
        total = np.bincount(codes, numbers, minlength=len(self._values))
        return np.where(count > 0, total / np.maximum(count, 1), self._values)


class Freezing(Training):
    """The largest weights go to the grid and stay, the others make up for them, and so on.

    Zhou et al., Incremental Network Quantization, ICLR 2017, for any grid.
    """

    def __init__(self, matrix: Reals, grid: Reals, bits: int) -> None:
        """The scale is that of `grid`."""
        self._grid, self._mask = grid, matrix != 0
        self._frozen = np.zeros(matrix.shape, dtype=bool)
        self._values = np.zeros_like(matrix)
        self._freeze(matrix, 0.0)

    def shown(self, matrix: Reals) -> Reals:
        """Themselves."""
        return matrix

    def after(self, matrix: Reals, step: int, steps: int) -> bool:
        """Put the frozen ones back, and freeze more."""
        matrix[self._frozen] = self._values[self._frozen]
        self._freeze(matrix, (step + 1) / steps)
        return False

    def _freeze(self, matrix: Reals, progress: float) -> None:
        share = max(share for start, share in STAGES if progress >= start)
        more = round(share * np.count_nonzero(self._mask)) - np.count_nonzero(self._frozen)
        if more <= 0:
            return
        rows, columns = np.nonzero(self._mask & ~self._frozen)
        largest = np.argsort(-np.abs(matrix[rows, columns]), kind="stable")[:more]
        chosen = rows[largest], columns[largest]
        matrix[chosen] = self._grid[nearest(matrix[chosen], self._grid)]
        self._values[chosen], self._frozen[chosen] = matrix[chosen], True


class TrainedScales(Training):
    """-a, 0 and b, where a and b are trained too.

    Zhu et al., Trained Ternary Quantization, ICLR 2017, sections 3 and 4: a weight counts by its
    sign if its magnitude exceeds THRESHOLD of the largest (equation 6); each scale has the sum of
    its weights' gradients (7), and a weight its own times its scale (8). When codes stand, only the
    scales learn on.
    """

    chooses = True

    def __init__(self, matrix: Reals, grid: Reals, bits: int) -> None:
        """The scales start as the means of their weights, those of `grid`."""
        self._mask, self._unit = matrix != 0, float(np.abs(matrix).max())
        ends = np.array([-grid.min(), grid.max()])
        self._scales = np.where(ends > 0, ends, self._unit)
        self._adam = Adam([self._scales], [SCALE_RATE * float(self._scales.mean())])
        self._signs, self._stand = np.sign(matrix), False

    def shown(self, matrix: Reals) -> Reals:
        """A scale or 0 for each."""
        if not self._stand:
            magnitude = np.abs(matrix)
            self._signs = np.sign(matrix) * (magnitude > THRESHOLD * magnitude.max())
        return self._signs * self._by_sign(0.0)

    def shared(self, gradient: Reals) -> Reals:
        """By the scales; theirs is applied by `after`."""
        each = [float(np.sum(sign * gradient[self._signs == sign])) for sign in (-1, 1)]
        self._slope = np.array(each)
        return np.zeros_like(gradient) if self._stand else gradient * self._by_sign(self._unit)

    def after(self, matrix: Reals, step: int, steps: int) -> bool:
        """Move the scales, and at FROZEN let the codes stand."""
        self._adam.step([self._scales], [self._slope], cosine(step, steps))
        np.maximum(self._scales, 1e-3 * self._unit, out=self._scales)
        now = not self._stand and step + 1 >= FROZEN * steps
        if now:
            self.shown(matrix)
            self._stand = True
        if self._stand:
            matrix[:] = self.shown(matrix)
        return now

    def _by_sign(self, zero: float) -> Reals:
        """The scale of each weight's sign, `zero` where it counts as 0."""
        return np.where(
            self._signs < 0, self._scales[0], np.where(self._signs, self._scales[1], zero)
        )


class Nothing(Training):
    """For a matrix of zeros."""

    def __init__(self, matrix: Reals, grid: Reals, bits: int) -> None:
        """There is nothing to know of them."""

    def shown(self, matrix: Reals) -> Reals:
        """Themselves."""
        return matrix

    def after(self, matrix: Reals, step: int, steps: int) -> bool:
        """Nothing."""
        return False
