"""A recurrent network on integers, step by step: states, what is fed back, and sequences.

With delta (Neil et al., Delta Networks, 2017; DeltaRNN, FPGA 2018) a layer works on what was sent
last of each input: an activation is sent, as the difference, when it moved by more than a
threshold. The head takes its inputs as they are, so after an answer the sequence must be reset.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic import cells
from golden.arithmetic.integers import saturate
from golden.arithmetic.layers import dense_weights, drain, quantise_input
from golden.errors import ElsieError
from golden.format.network import Network
from golden.kinds import CELL_WIDTH, LayerKind

Ints = NDArray[np.int64]


class Recurrence:
    """The states of some independent sequences of one network; all start at zero."""

    def __init__(self, network: Network, sequences: int) -> None:
        """Room for `sequences` sequences."""
        self.network = network
        self._weights = [dense_weights(layer, network) for layer in network.layers]
        widths = [layer.n_out for layer in network.layers]
        self.states = [np.zeros((sequences, width), dtype=np.int64) for width in widths]
        """Of each layer, shape (sequences, n_out); zero for dense layers."""
        self.outputs = [np.zeros((sequences, width), dtype=np.int64) for width in widths]
        """Of each layer in the last step in which it ran, shape (sequences, n_out); with delta as
        sent last."""
        self._input = np.zeros((sequences, network.n_in), dtype=np.int64)
        self._over = np.zeros(sequences, dtype=bool)

    def reset(self, which: ArrayLike) -> None:
        """Back to zero, where `which` (sequences,) is true."""
        mask = np.asarray(which, dtype=bool)
        for values in (*self.states, *self.outputs, self._input, self._over):
            values[mask] = 0

    def step(self, x: Ints, *, answer: ArrayLike = True) -> Ints:
        """One step of all sequences, integer inputs (sequences, n_in): the last layer's outputs.

        answer: of all or of each sequence; if none is wanted the head does not run, and the outputs
        are those of the last layer that ran.
        Sums are formed in float64, which is exact (golden.arithmetic.layers.forward).
        """
        network, values = self.network, x
        delta = network.config.delta
        if self._over.any():
            raise ElsieError(
                f"network {network.name}: with delta a sequence ends with its answer; reset it"
            )
        if delta:
            self._input = values = sent(self._input, values, network.threshold)
        ends = np.broadcast_to(np.asarray(answer, dtype=bool), len(x))
        self._over[:] = ends & delta & (network.head is not None)
        before = list(self.outputs)
        for number, layer in enumerate(network.layers):
            if number == network.head and not ends.any():
                break
            if layer.kind is LayerKind.DENSE:
                sums = values.astype(np.float64) @ self._weights[number]
                values = drain(layer, sums.astype(np.int64), act_width=network.config.act_width)
            else:
                columns = np.concatenate((values, before[number + layer.projected]), axis=1)
                sums = columns.astype(np.float64) @ self._weights[number]
                values, self.states[number] = cells.step(
                    layer, network, sums.astype(np.int64), self.states[number]
                )
            if delta and (network.head is None or number < network.head):
                kept = sent(self.outputs[number], values, layer.threshold)
                last = network.head is not None and number == network.head - 1
                values = np.where(ends[:, None] & last, values, kept)
            self.outputs[number] = values
        return values.copy()


def sent(before: Ints, now: Ints, threshold: int) -> Ints:
    """What was sent last of each activation, after this step; all of the same shape.

    A difference is 16 bits wide as an activation is; what is beyond follows in the next step.
    """
    moved = saturate(now - before, CELL_WIDTH)
    return before + np.where(np.abs(moved) > threshold, moved, 0)


def check_lengths(lengths: ArrayLike | None, *, samples: int, steps: int) -> NDArray[np.int64]:
    """Steps of each sample, shape (samples,); all of them when not given.

    Raises ElsieError when they do not fit the data.
    """
    if lengths is None:
        return np.full(samples, steps, dtype=np.int64)
    found = np.asarray(lengths)
    if found.shape != (samples,) or not np.issubdtype(found.dtype, np.integer):
        raise ElsieError(f"lengths must be {samples} integers, one for each sample")
    if found.min() < 1 or found.max() > steps:
        raise ElsieError(f"lengths must be from 1 to the number of steps, {steps}")
    return found.astype(np.int64)


def forward(network: Network, x: ArrayLike, lengths: ArrayLike | None = None) -> Ints:
    """Integer outputs for integer inputs (samples, steps, n_in), each sample from state zero.

    With a head: after each sample's last step, shape (samples, n_out). Without: after every step,
    shape (samples, steps, n_out), where steps behind a sample's length are 0.
    """
    inputs = np.asarray(x, dtype=np.int64)
    samples, steps, _ = inputs.shape
    last = check_lengths(lengths, samples=samples, steps=steps)
    run = Recurrence(network, samples)
    out = np.zeros((samples, steps, network.n_out), dtype=np.int64)
    for number in range(int(last.max())):
        ends = (last == number + 1) | (network.head is None)
        run.reset(last <= number)  # what is over is not looked at any more
        values = run.step(inputs[:, number], answer=ends)
        if ends.any():
            out[:, number] = values
    out[np.arange(steps) >= last[:, None]] = 0
    return out[np.arange(samples), last - 1] if network.head is not None else out


def predict(
    network: Network, x: ArrayLike, lengths: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Real outputs for real inputs (samples, steps, n_in), as the engine computes them."""
    out = forward(network, quantise_input(network, x), lengths)
    return np.ldexp(out.astype(np.float64), -network.layers[-1].out_frac)
