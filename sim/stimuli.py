"""What is put into an engine's input port: one payload word for each activation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.errors import ElsieError


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One step of all streams of an engine with cells, as RoundModel.run takes it."""

    x: NDArray[np.int64]
    """Integer inputs, shape (streams, n_in)."""
    reset: tuple[bool, ...]
    """Of each stream: its state is zero before this step."""
    answer: bool = True
    """The head runs, and results are handed over."""


Inputs = NDArray[np.int64] | Sequence[Step]
"""Inferences: integer inputs of shape (samples, n_in), or the steps of an engine with cells."""


def payloads(config: EngineConfig, inputs: Inputs) -> NDArray[np.uint32]:
    """Words of the input port (rtl.layouts.input_layout), shape (inferences, words)."""
    if isinstance(inputs, np.ndarray):
        if config.cells:
            raise ElsieError("an engine with cells takes steps, not single inputs")
        words = _words(config, inputs)
        words[:, -1] |= 1 << config.act_width
        return words.astype(np.uint32)
    rows = []
    for step in inputs:
        words = _words(config, step.x)
        reset = np.array(step.reset, dtype=np.int64)
        words |= ((reset << 1 | int(step.answer) << 2) << config.act_width)[:, None]
        words[:, -1] |= 1 << config.act_width
        rows.append(words.reshape(-1))
    return np.stack(rows).astype(np.uint32)


def _words(config: EngineConfig, x: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(x, dtype=np.int64) & ((1 << config.act_width) - 1)
