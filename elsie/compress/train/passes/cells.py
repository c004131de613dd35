"""Layers of cells, forwards and backwards through all steps of sequences.

Werbos, Backpropagation Through Time, Proceedings of the IEEE, 1990. All samples and gates of a step
are one product. Steps beyond a sequence's length change nothing where their outputs' gradient is 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.layer import Reals

Back = tuple[Reals, Reals, Reals | None]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One step of a kind of cells."""

    halved: tuple[float, ...]
    """Factor of the sums of each of its four blocks of rows."""
    forward: Callable[[Reals, Reals, Reals | None], tuple[Reals, Reals, Any]]
    """State, output and tape from sums (samples, 4n), state before (samples, n), peepholes."""
    backward: Callable[[Any, Reals, Reals, Reals | None], Back]
    """Gradients of sums, state before and peepholes from tape, that of output and of state."""


class Tape(NamedTuple):
    """What the way back needs; steps come first."""

    x: Reals
    """Inputs (steps, samples, n_in)."""
    inner: Reals
    """Outputs before a projection, (steps, samples, n)."""
    outputs: Reals
    """Outputs (steps + 1, samples, n_out); the first are those before the first step."""
    steps: list[Any]
    """The cells' tapes."""


def forward(cell: Cell, layer: FloatCells, arrays: Sequence[Reals], x: Reals) -> tuple[Reals, Tape]:
    """Outputs (samples, steps, n_out) for inputs (samples, steps, n_in), from zero states."""
    w, looks, projection = _named(layer, arrays)
    halved = np.repeat(np.array(cell.halved, w.dtype), layer.n_cells)
    inputs, back = w[:, : layer.n_in].T * halved, w[:, layer.n_in : -1].T * halved
    x = np.ascontiguousarray(x.transpose(1, 0, 2))
    sums = (x.reshape(-1, layer.n_in) @ inputs + w[:, -1] * halved).reshape(*x.shape[:2], -1)
    inner = np.empty((*x.shape[:2], layer.n_cells), w.dtype)
    outputs = np.zeros((len(x) + 1, x.shape[1], layer.n_out), w.dtype)
    state, tapes = np.zeros_like(inner[0]), []
    for step in range(len(x)):
        sums[step] += outputs[step] @ back
        state, inner[step], tape = cell.forward(sums[step], state, looks)
        outputs[step + 1] = inner[step] if projection is None else inner[step] @ projection.T
        tapes.append(tape)
    return outputs[1:].transpose(1, 0, 2), Tape(x, inner, outputs, tapes)


def backward(
    cell: Cell,
    layer: FloatCells,
    arrays: Sequence[Reals],
    tape: Tape,
    error: Reals,
    *,
    inputs: bool = True,
) -> tuple[list[Reals], Reals | None]:
    """Gradients of the arrays, and of the inputs if they are wanted, from that of the outputs."""
    w, looks, projection = _named(layer, arrays)
    recurrent = w[:, layer.n_in : -1]
    outputs = np.array(error.transpose(1, 0, 2), order="C")
    sums = np.empty((*tape.x.shape[:2], len(w)), w.dtype)
    state, seen = np.zeros_like(tape.inner[0]), np.zeros((3, layer.n_cells), w.dtype)
    for step in reversed(range(len(sums))):
        if step + 1 < len(sums):
            outputs[step] += sums[step + 1] @ recurrent
        inner = outputs[step] if projection is None else outputs[step] @ projection
        sums[step], state, look = cell.backward(tape.steps[step], inner, state, looks)
        if look is not None:
            seen += look
    flat = sums.reshape(-1, len(w))
    columns = (tape.x, tape.outputs[:-1], np.ones((*tape.x.shape[:2], 1), w.dtype))
    found = [flat.T @ np.concatenate(columns, axis=2).reshape(len(flat), -1)]
    if looks is not None:
        found.append(seen)
    if projection is not None:
        flat_outputs = outputs.reshape(-1, layer.n_out)
        found.append(flat_outputs.T @ tape.inner.reshape(-1, layer.n_cells))
    before = (sums @ w[:, : layer.n_in]).transpose(1, 0, 2) if inputs else None
    return found, before


def _named(layer: FloatCells, arrays: Sequence[Reals]) -> tuple[Reals, Reals | None, Reals | None]:
    """Gates (4n, n_in + n_out + 1), peepholes and projection, where there are any."""
    rest = list(arrays[1:])
    looks = None if layer.peephole is None else rest.pop(0)
    return arrays[0], looks, None if layer.projection is None else rest.pop(0)
