"""One step of LSTM cells, forwards and backwards."""

from typing import NamedTuple

import numpy as np

from elsie.compress.model.layer import Reals

HALVED = (0.5, 0.5, 1.0, 0.5)
"""Factor of each gate's sums: sigmoid(x) is (1 + tanh(x / 2)) / 2."""


class Tape(NamedTuple):
    """Of a step; all of shape (samples, n), gates two at once."""

    before: Reals
    both: Reals
    """Input and forget gate."""
    g: Reals
    o: Reals
    state: Reals
    tanh: Reals
    """Of the state."""


def forward(sums: Reals, before: Reals, looks: Reals | None) -> tuple[Reals, Reals, Tape]:
    """State and output for the gates' `sums` (samples, 4n), HALVED already, in order ifgo.

    `before` is the state of the step before, `looks` the peepholes (3, n).
    """
    n = before.shape[1]
    if looks is not None:
        sums[:, :n] += 0.5 * looks[0] * before
        sums[:, n : 2 * n] += 0.5 * looks[1] * before
    inner = np.tanh(sums[:, : 3 * n])
    both, g = 0.5 + 0.5 * inner[:, : 2 * n], inner[:, 2 * n :]
    state = both[:, n:] * before + both[:, :n] * g
    last = sums[:, 3 * n :] if looks is None else sums[:, 3 * n :] + 0.5 * looks[2] * state
    o, tanh = 0.5 + 0.5 * np.tanh(last), np.tanh(state)
    return state, o * tanh, Tape(before, both, g, o, state, tanh)


def backward(
    tape: Tape, output: Reals, state: Reals, looks: Reals | None
) -> tuple[Reals, Reals, Reals | None]:
    """Gradients of the sums, of the state before, and of peepholes, from output and state's."""
    n = output.shape[1]
    sums = np.empty((len(output), 4 * n), output.dtype)
    gate_o = output * tape.tanh * tape.o * (1.0 - tape.o)
    state = state + output * tape.o * (1.0 - tape.tanh * tape.tanh)
    if looks is not None:
        state += gate_o * looks[2]
    sums[:, :n] = state * tape.g
    sums[:, n : 2 * n] = state * tape.before
    sums[:, : 2 * n] *= tape.both * (1.0 - tape.both)
    sums[:, 2 * n : 3 * n] = state * tape.both[:, :n] * (1.0 - tape.g * tape.g)
    sums[:, 3 * n :] = gate_o
    before = state * tape.both[:, n:]
    if looks is None:
        return sums, before, None
    gate_i, gate_f = sums[:, :n], sums[:, n : 2 * n]
    before += gate_i * looks[0] + gate_f * looks[1]
    seen = (gate_i * tape.before, gate_f * tape.before, gate_o * tape.state)
    return sums, before, np.stack([one.sum(axis=0) for one in seen])
