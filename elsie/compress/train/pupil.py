"""Layers of any kinds as arrays that learn."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.train.passes.registry import PASSES, read, write


class Pupil:
    """A chain of layers, forwards and backwards (train.passes)."""

    arrays: list[Reals]
    """Of all layers: each one's matrix, (rows, columns + 1), the last column its bias, then what
    it has beside. To be changed in place."""

    def __init__(self, layers: Sequence[FloatLayer], dtype: DTypeLike = np.float64) -> None:
        """Copies of the layers' arrays; passes are worked out in `dtype`."""
        self._layers, self._dtype = layers, dtype
        each = [read(layer) for layer in layers]
        ends = accumulate(len(arrays) for arrays in each)
        self._slices = [
            slice(end - len(arrays), end) for end, arrays in zip(ends, each, strict=True)
        ]
        self.arrays = [array for arrays in each for array in arrays]
        self._tapes: list[Any] = []

    def forward(
        self,
        x: Reals,
        arrays: Sequence[Reals] | None = None,
        *,
        rounding: Callable[[int, Reals], Reals] = lambda _, values: values,
    ) -> list[Reals]:
        """Outputs (..., n) of each layer for inputs (..., n_in), with these arrays or its own.

        `rounding` is called with (0, inputs), then (number, outputs) of each layer.
        """
        x, outputs, self._tapes = rounding(0, x), [], []
        for number, (layer, own) in enumerate(self._each(arrays), start=1):
            x, tape = PASSES[layer.kind].forward(layer, own, x.astype(self._dtype, copy=False))
            outputs.append(x := rounding(number, x))
            self._tapes.append((layer, own, tape))
        return outputs

    def backward(
        self, error: Reals, hints: Sequence[Reals | None] | None = None, *, inputs: bool = False
    ) -> tuple[list[Reals], Reals | None]:
        """Gradients of all arrays, and of the inputs if wanted, of the last `forward`.

        error: that of its outputs. hints: those of each layer's outputs but the last one's, added
        to what comes back.
        """
        found: list[Reals] = []
        before: Reals | None = error
        for nth, (layer, own, tape) in reversed(list(enumerate(self._tapes))):
            assert before is not None
            back = PASSES[layer.kind].backward
            gradients, before = back(layer, own, tape, before, inputs=inputs or nth > 0)
            found = gradients + found
            hint = None if hints is None or not nth else hints[nth - 1]
            if hint is not None and before is not None:
                before = before + hint
        return found, before

    def layers(self) -> list[FloatLayer]:
        """The layers with the arrays as they are now."""
        own = self._split(self.arrays)
        return [write(layer, arrays) for layer, arrays in zip(self._layers, own, strict=True)]

    def _each(self, arrays: Sequence[Reals] | None) -> Iterator[tuple[FloatLayer, list[Reals]]]:
        given = self.arrays if arrays is None else arrays
        cast = [array.astype(self._dtype, copy=False) for array in given]
        return zip(self._layers, self._split(cast), strict=True)

    def _split(self, arrays: Sequence[Reals]) -> list[list[Reals]]:
        return [list(arrays[own]) for own in self._slices]
