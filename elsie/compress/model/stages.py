"""Outputs of layers, as those behind them take them."""

from collections.abc import Sequence

import numpy as np

from elsie.compress.model.layer import Reals


class Stages:
    """The inputs and the outputs of each layer so far; they are kept while a layer needs them."""

    def __init__(self, taken: Sequence[tuple[int, ...]], inputs: Reals) -> None:
        """`taken`: for each layer the numbers of the layers, from 1, that it takes; 0: inputs."""
        self._taken = taken
        self._last = {stage: number for number, one in enumerate(taken, 1) for stage in one}
        self._seen = {0: inputs}

    def given(self, number: int) -> Reals:
        """What layer `number` takes: outputs side by side, (..., n_in)."""
        parts = [self._seen[stage] for stage in self._taken[number - 1]]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def put(self, number: int, outputs: Reals) -> None:
        """The outputs of layer `number`; what no later layer takes is forgotten."""
        self._seen[number] = outputs
        for stage in self._taken[number - 1]:
            if self._last[stage] == number:
                self._seen.pop(stage, None)
