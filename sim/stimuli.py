"""The inputs of an engine's input port: one payload word for each activation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.sequences import Step
from golden.config import EngineConfig
from golden.maps.checks import as_shape
from golden.maps.grid import as_sent


def payloads(
    config: EngineConfig, steps: Sequence[Step], shape: tuple[int, ...] = ()
) -> NDArray[np.uint32]:
    """Words of the input port (rtl.layouts.input_layout), shape (steps, words).

    Every step has the inputs of all streams, one stream after the other. `shape` of the inputs, if
    they are maps; they are arranged as the engine takes them.
    """
    mask = (1 << config.act_width) - 1
    if config.maps.rows:
        return _rows(config, np.concatenate([step.x for step in steps]), shape)
    return (
        np.stack([(step.x & mask) | _flags(config, step) for step in steps])
        .reshape(len(steps), -1)
        .astype(np.uint32)
    )


def _rows(config: EngineConfig, x: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Row by row, each and the whole with its flag."""
    rows = as_sent(config, as_shape(shape), x)
    flags = np.zeros(rows.shape[1:], dtype=np.int64)
    flags[:, -1] = 2
    flags[-1, -1] |= 1
    words = (rows & ((1 << config.act_width) - 1)) | flags << config.act_width
    return words.reshape(len(x), -1).astype(np.uint32)


def _flags(config: EngineConfig, step: Step) -> NDArray[np.int64]:
    """last, and with cells reset and answer, in the bits above the value; shape of the inputs."""
    flags = np.zeros(step.x.shape, dtype=np.int64)
    if config.cells:
        flags += np.array(step.reset, dtype=np.int64)[:, None] << 1 | int(step.answer) << 2
    flags[:, -1] |= 1
    return flags << config.act_width
