"""What each kind of layer computes, in integers: the specification that the RTL must equal.

A layer's columns are its inputs and then what is fed back. It multiplies them by its matrix; its
kind's formula turns the sums into outputs. A new kind is a new entry of `LAYERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.cells import gru, lstm
from golden.arithmetic.functions import FUNCTIONS
from golden.arithmetic.integers import round_half_even, saturate
from golden.arithmetic.maps import conv, conv_sums
from golden.arithmetic.powers import doubled, nearest
from golden.format.activations import activation_of
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import ActCode, LayerKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def dense(layer: Layer, network: Network, sums: Ints, state: Ints) -> tuple[Ints, Ints]:
    """Outputs of a fully connected layer, (samples, n_out); the state is unused."""
    made, config = activation_of(layer.kind, layer.activation), network.config
    totals = sums + layer.bias
    if config.act_code is not ActCode.LINEAR and layer is not network.layers[-1]:
        out = nearest(doubled(totals, layer.shift), config.act_levels)
    else:
        out = saturate(round_half_even(totals, layer.shift), config.act_width)
    return FUNCTIONS[made.function](np.maximum(out, 0) if made.relu else out), state


def dense_weights(layer: Layer, network: Network) -> Floats:
    """Integer weights as a dense float64 matrix (n_columns, n_rows)."""
    dense = np.zeros((layer.n_columns, layer.n_rows))
    dense[layer.columns, layer.rows] = layer.weights(network.config)
    return dense


def matrix_sums(_: Layer, __: Network, weights: Floats, inputs: list[Ints]) -> Ints:
    """Sums without bias, (samples, n_rows), for inputs and what is fed back, side by side.

    `weights` (n_columns, n_rows). Formed in float64, which is exact: the compiler has proved |sum|
    < 2**(acc_width - 1) <= 2**52 for every partial sum.
    """
    columns = inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=1)
    return (columns.astype(np.float64) @ weights).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Formula:
    """What a kind of layer computes."""

    outputs: Callable[[Layer, Network, Ints, Ints], tuple[Ints, Ints]]
    """Outputs (samples, n_values) and new state of the layer, its network, its sums without bias,
    and the previous state (samples, n_values)."""
    matrix: Callable[[Layer, Network], Floats] = dense_weights
    """What its columns are multiplied by, integers of shape (n_columns, n_rows)."""
    sums: Callable[[Layer, Network, Floats, list[Ints]], Ints] = matrix_sums
    """Its sums without bias, of the layer, its network, its matrix, and its inputs or maps."""


LAYERS: dict[LayerKind, Formula] = {
    LayerKind.DENSE: Formula(outputs=dense),
    LayerKind.LSTM: Formula(outputs=lstm),
    LayerKind.GRU: Formula(outputs=gru),
    LayerKind.CONV: Formula(outputs=conv, sums=conv_sums),
}
"""The formula of every kind of layer."""
