"""One step of GRU cells, forwards and backwards."""

from typing import NamedTuple

import numpy as np

from elsie.compress.model.layer import Reals

HALVED = (0.5, 0.5, 1.0, 1.0)
"""Factor of each gate's sums: sigmoid(x) is (1 + tanh(x / 2)) / 2."""


class Tape(NamedTuple):
    """Of a step; all of shape (samples, n), gates two at once."""

    before: Reals
    both: Reals
    """Update and reset gate, z and r."""
    new: Reals
    """What r lets through, n."""
    inner: Reals
    """What r multiplies."""


def forward(sums: Reals, before: Reals, _: Reals | None) -> tuple[Reals, Reals, Tape]:
    """State and output, which are one, for the `sums` (samples, 4n), HALVED already.

    They are those of z and r, and n's of inputs and of what is fed back. `before` is the state of
    the step before.
    """
    n = before.shape[1]
    both, inner = 0.5 + 0.5 * np.tanh(sums[:, : 2 * n]), sums[:, 3 * n :]
    new = np.tanh(sums[:, 2 * n : 3 * n] + both[:, n:] * inner)
    state = new + both[:, :n] * (before - new)
    return state, state, Tape(before, both, new, inner)


def backward(
    tape: Tape, output: Reals, state: Reals, _: Reals | None
) -> tuple[Reals, Reals, Reals | None]:
    """Gradients of the sums, and of the state before, from output and state's."""
    n = output.shape[1]
    state = state + output
    sums = np.empty((len(output), 4 * n), output.dtype)
    z, r = tape.both[:, :n], tape.both[:, n:]
    gate_n = state * (1.0 - z) * (1.0 - tape.new * tape.new)
    sums[:, :n] = state * (tape.before - tape.new)
    sums[:, n : 2 * n] = gate_n * tape.inner
    sums[:, : 2 * n] *= tape.both * (1.0 - tape.both)
    sums[:, 2 * n : 3 * n] = gate_n
    sums[:, 3 * n :] = gate_n * r
    return sums, state * z, None
