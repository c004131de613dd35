"""The proof that no input can overflow an accumulator."""

import numpy as np

from golden.errors import ElsieError
from golden.format.network import Layer, Network
from golden.kinds import LayerKind


def accumulator_bound(layer: Layer, network: Network, *, signed_input: bool) -> int:
    """Largest |partial sum + bias| any input can cause: the overflow proof (DESIGN, numbers).

    `signed_input` is False when the inputs come out of a ReLU.
    """
    largest = 1 << (network.config.act_width - 1)
    largest = largest if signed_input else largest - 1
    weights = np.abs(layer.weights(network.config))
    # Sums of at most 2**20 weights below 2**24 are exact in float64; products with activations
    # are formed in Python's integers, which have no end.
    total = np.bincount(layer.rows, weights, minlength=layer.n_rows)
    if layer.peepholes:
        looks = np.abs(layer.decode(network.config, layer.peephole))
        for gate, nth in zip((0, 1, 3), range(3), strict=True):
            total[gate * layer.n_out : (gate + 1) * layer.n_out] += looks[:, nth]
    bias = layer.bias.tolist()
    return max(int(t) * largest + abs(b) for t, b in zip(total.tolist(), bias, strict=True))


def check_accumulators(network: Network) -> None:
    """Prove that no input can overflow an accumulator. Raises ElsieError naming the layer."""
    signed = True
    for layer in network.layers:
        signed = signed or layer.kind is not LayerKind.DENSE  # states are signed
        bound = accumulator_bound(layer, network, signed_input=signed)
        if bound >= 1 << (network.config.acc_width - 1):
            raise ElsieError(
                f"layer {layer.name}: its sums can reach {bound}, which does not fit acc_width "
                f"{network.config.acc_width}; raise acc_width"
            )
        signed = layer.activation != "relu"
