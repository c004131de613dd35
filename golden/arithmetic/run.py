"""Runs any network on integers, step by step, as the engine computes it.

With delta (Neil et al., Delta Networks, 2017; DeltaRNN, FPGA 2018) a layer works on what was sent
last of each input. An activation is sent, as the difference, when it has moved by more than a
threshold. The head takes its inputs unchanged, so after an answer the sequence must be reset.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.integers import saturate
from golden.arithmetic.layers import LAYERS
from golden.arithmetic.powers import split
from golden.arithmetic.sequences import Sequences, quantise_input
from golden.errors import ElsieError
from golden.format.network import Layer, Network
from golden.kinds import CELL_WIDTH, ActCode

Ints = NDArray[np.int64]


class Runner:
    """Independent sequences of one network, with their states; all start at zero."""

    def __init__(self, network: Network, sequences: int) -> None:
        """Room for `sequences` sequences."""
        self.network = network
        self._matrices = [LAYERS[layer.kind].matrix(layer, network) for layer in network.layers]
        widths = [layer.n_values for layer in network.layers]
        self.states = [np.zeros((sequences, width), dtype=np.int64) for width in widths]
        """Of each layer, shape (sequences, n_values); zero for layers without a state."""
        self.outputs = [np.zeros((sequences, width), dtype=np.int64) for width in widths]
        """Of each layer in the last step in which it ran, shape (sequences, n_values); with delta
        as sent last."""
        self._input = np.zeros((sequences, network.n_in), dtype=np.int64)
        self._over = np.zeros(sequences, dtype=bool)

    def reset(self, which: ArrayLike) -> None:
        """Back to zero, where `which` (sequences,) is true."""
        mask = np.asarray(which, dtype=bool)
        for values in (*self.states, *self.outputs, self._input, self._over):
            values[mask] = 0

    def step(self, x: Ints, *, answer: ArrayLike = True) -> Ints:
        """One step of all sequences, integer inputs (sequences, n_in): the last layer's outputs.

        answer: of all or of each sequence; without any, the head does not run, and the outputs
        are those of the last layer that ran. Raises ElsieError when a sequence has ended.
        """
        network, values = self.network, x
        delta, head = network.config.delta, network.head
        if self._over.any():
            raise ElsieError(
                f"network {network.name}: with delta a sequence ends with its answer; reset it"
            )
        if delta:
            self._input = values = sent(self._input, values, network.threshold)
        elif network.config.act_code is not ActCode.LINEAR:
            values = split(values, network.config.input_powers).sum(axis=0)
        ends = np.broadcast_to(np.asarray(answer, dtype=bool), len(x))
        self._over[:] = ends & delta & (head is not None)
        before = list(self.outputs)
        for number, layer in enumerate(network.layers):
            if number == head and not ends.any():
                break
            inputs = [values]
            if layer.n_back:
                inputs.append(before[number + layer.projected])
            if layer.maps:
                inputs = [self.outputs[s.layer] if s.layer >= 0 else x for s in layer.maps.sources]
            values = self._layer(number, layer, inputs)
            if delta and (head is None or number < head):
                kept = sent(self.outputs[number], values, layer.threshold)
                last = head is not None and number == head - 1
                values = np.where(ends[:, None] & last, values, kept)
            self.outputs[number] = values
        return values.copy()

    def _layer(self, number: int, layer: Layer, inputs: list[Ints]) -> Ints:
        """Outputs of one layer for its inputs and what is fed back, or for its maps."""
        formula, state = LAYERS[layer.kind], self.states[number]
        sums = formula.sums(layer, self.network, self._matrices[number], inputs)
        out, self.states[number] = formula.outputs(layer, self.network, sums, state)
        return out


def sent(before: Ints, now: Ints, threshold: int) -> Ints:
    """What was sent last of each activation, after this step; all of the same shape.

    A difference is 16 bits wide, as an activation is; any excess follows in the next step.
    """
    moved = saturate(now - before, CELL_WIDTH)
    return before + np.where(np.abs(moved) > threshold, moved, 0)


def forward(
    network: Network,
    x: ArrayLike,
    lengths: ArrayLike | None = None,
    *,
    watch: Callable[[int, Runner], None] = lambda step, run: None,
) -> Ints:
    """Integer outputs for integer inputs, each sample from state zero.

    Inputs (samples, n_in) give (samples, n_out). A recurrent network takes (samples, steps, n_in),
    of which `lengths` (samples,) steps count: with a head it gives (samples, n_out), after each
    sample's last step; without, an output after every step, shape (samples, steps, n_out), where
    steps beyond a sample's length are 0. watch: called after each step with its number.
    """
    given = Sequences.of(network, x, lengths)
    samples, steps, _ = given.x.shape
    run, last = Runner(network, samples), given.lengths
    out = np.zeros((samples, steps, network.n_out), dtype=np.int64)
    for number in range(int(last.max())):
        ends = (last == number + 1) | (network.head is None)
        run.reset(last <= number)  # sequences that are over are ignored
        values = run.step(given.x[:, number], answer=ends)
        watch(number, run)
        if ends.any():
            out[:, number] = values
    out[np.arange(steps) >= last[:, None]] = 0
    every_step = network.head is None and not given.single
    return out if every_step else out[np.arange(samples), last - 1]


def predict(
    network: Network, x: ArrayLike, lengths: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Real outputs for real inputs, as the engine computes them; shapes as of `forward`."""
    out = forward(network, quantise_input(network, x), lengths)
    return np.ldexp(out.astype(np.float64), -network.layers[-1].out_frac)
