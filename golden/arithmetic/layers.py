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
from golden.arithmetic.powers import doubled, nearest
from golden.format.activations import activation_of
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import ActCode, LayerKind

Ints = NDArray[np.int64]


def dense(layer: Layer, network: Network, sums: Ints, state: Ints) -> tuple[Ints, Ints]:
    """Outputs of a fully connected layer, (samples, n_out); the state is unused."""
    made, config = activation_of(layer.kind, layer.activation), network.config
    totals = sums + layer.bias
    if config.act_code is not ActCode.LINEAR and layer is not network.layers[-1]:
        out = nearest(doubled(totals, layer.shift), config.act_levels)
    else:
        out = saturate(round_half_even(totals, layer.shift), config.act_width)
    return FUNCTIONS[made.function](np.maximum(out, 0) if made.relu else out), state


def dense_weights(layer: Layer, network: Network) -> NDArray[np.float64]:
    """Integer weights as a dense float64 matrix (n_columns, n_rows)."""
    dense = np.zeros((layer.n_columns, layer.n_rows))
    dense[layer.columns, layer.rows] = layer.weights(network.config)
    return dense


@dataclass(frozen=True, kw_only=True)
class Formula:
    """What a kind of layer computes."""

    outputs: Callable[[Layer, Network, Ints, Ints], tuple[Ints, Ints]]
    """Outputs and new state, both (samples, n_out), of the layer, its network, its sums without
    bias (samples, n_rows), and the previous state."""
    matrix: Callable[[Layer, Network], NDArray[np.float64]] = dense_weights
    """What its columns are multiplied by, integers of shape (n_columns, n_rows)."""


LAYERS: dict[LayerKind, Formula] = {
    LayerKind.DENSE: Formula(outputs=dense),
    LayerKind.LSTM: Formula(outputs=lstm),
    LayerKind.GRU: Formula(outputs=gru),
}
"""The formula of every kind of layer."""
