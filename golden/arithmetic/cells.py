"""LSTM and GRU cells on integers: the specification that the RTL must equal bit for bit.

Gates, states and outputs are 16-bit integers: a gate or an output g stands for g * 2**-14, an LSTM
state s for s * 2**-state_frac. Sums have the accumulator's scale, weight_frac + in_frac fraction
bits. req(v, s) is round_half_even(v / 2**s), saturated; S is the layer's shift.

LSTM (Hochreiter and Schmidhuber 1997, with forget gates and, if there are any, the peepholes p of
Gers and Schmidhuber 2000, as in ESE, section 2), c the state of the previous step:

    i = sigmoid(req(sum_i + p_i c, S + 1))    f = sigmoid(req(sum_f + p_f c, S + 1))
    g = req(tanh(req(sum_g, S)), 14 - state_frac)
    c' = req(f c + i g, 14)
    o = sigmoid(req(sum_o + p_o c', S + 1))
    h = req(o tanh(c'), 14)                   tanh of c' * 2**(12 - state_frac), saturated

GRU (Cho et al. 2014, in the form of PyTorch and of ONNX with linear_before_reset), h the output of
the previous step:

    z = sigmoid(req(sum_z, S + 1))            r = sigmoid(req(sum_r, S + 1))
    n = tanh(req(r req(sum_nh, S) + 2**14 req(sum_nx, S), 14))
    h' = req(z h + (2**14 - z) n, 14)
"""

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.functions import sigmoid, sigmoid_complement, tanh
from golden.arithmetic.integers import round_half_even, saturate
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import CELL_WIDTH, GATE_FRAC, PRE_FRAC

Ints = NDArray[np.int64]


def requantise(value: Ints, shift: int) -> Ints:
    """Value / 2**shift, half to even, as a signed integer of 16 bits."""
    return saturate(round_half_even(value, shift), CELL_WIDTH)


def lstm(layer: Layer, network: Network, sums: Ints, state: Ints) -> tuple[Ints, Ints]:
    """One step of LSTM cells: outputs and new states c, both (samples, n_out).

    `sums` (samples, 4 x n_out) without bias; `state` (samples, n_out): c of the previous step.
    """
    frac, shift, c = network.config.state_frac, layer.shift, state
    gates = _gates(layer, sums)
    look = np.zeros((3, layer.n_out), dtype=np.int64)
    if layer.peepholes:
        look = layer.decode(network.config, layer.peephole).T
    i = sigmoid(requantise(gates[0] + look[0] * c, shift + 1))
    f = sigmoid(requantise(gates[1] + look[1] * c, shift + 1))
    g = requantise(tanh(requantise(gates[2], shift)), GATE_FRAC - frac)
    new = requantise(f * c + i * g, GATE_FRAC)
    o = sigmoid(requantise(gates[3] + look[2] * new, shift + 1))
    return requantise(o * tanh(of_state(new, frac)), GATE_FRAC), new


def _gates(layer: Layer, sums: Ints) -> list[Ints]:
    """Sums with bias, gate by gate, each (samples, n_out)."""
    return np.split(sums + layer.bias, layer.kind.gates, axis=1)


def of_state(state: Ints, frac: int) -> Ints:
    """An LSTM's state as the argument of tanh: with 12 fraction bits, saturated."""
    return saturate(state << (PRE_FRAC - frac), CELL_WIDTH)


def gru(layer: Layer, _: Network, sums: Ints, state: Ints) -> tuple[Ints, Ints]:
    """One step of GRU cells: outputs h, which are the new states too, both (samples, n_out).

    `sums` (samples, 4 x n_out) without bias; `state` (samples, n_out): h of the previous step.
    """
    gates, shift = _gates(layer, sums), layer.shift
    z, r = (sigmoid(requantise(gate, shift + 1)) for gate in gates[:2])
    rest = sigmoid_complement(requantise(gates[0], shift + 1))
    n_x, n_h = requantise(gates[2], shift), requantise(gates[3], shift)
    n = tanh(requantise(r * n_h + (n_x << GATE_FRAC), GATE_FRAC))
    new = requantise(z * state + rest * n, GATE_FRAC)
    return new, new
