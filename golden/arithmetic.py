"""Layer arithmetic on integers: the specification that the RTL must equal bit for bit."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.errors import ElsieError
from golden.kinds import LayerKind
from golden.network import Layer, Network


def round_half_even(value: ArrayLike, shift: int) -> NDArray[np.int64]:
    """Value / 2**shift, rounded to nearest, ties to even; int64 of the same shape."""
    v = np.asarray(value, dtype=np.int64)
    if shift == 0:
        return v.copy()
    floor = v >> shift
    rest = v - (floor << shift)
    half = np.int64(1) << (shift - 1)
    return floor + ((rest > half) | ((rest == half) & ((floor & 1) == 1)))


def saturate(value: ArrayLike, width: int) -> NDArray[np.int64]:
    """Clamp to a signed integer of `width` bits."""
    return np.clip(np.asarray(value, dtype=np.int64), -(1 << (width - 1)), (1 << (width - 1)) - 1)


def drain(layer: Layer, sums: ArrayLike, *, act_width: int) -> NDArray[np.int64]:
    """Accumulators (..., n_out), without bias, to output activations of the same shape."""
    total = np.asarray(sums, dtype=np.int64) + layer.bias
    out = saturate(round_half_even(total, layer.shift), act_width)
    return np.maximum(out, 0) if layer.activation == "relu" else out


def dense_weights(layer: Layer, network: Network) -> NDArray[np.float64]:
    """Integer weights as a dense float64 matrix (n_columns, n_rows): exact, see `forward`."""
    dense = np.zeros((layer.n_columns, layer.n_rows))
    dense[layer.columns, layer.rows] = layer.weights(network.config)
    return dense


def quantise_input(network: Network, x: ArrayLike) -> NDArray[np.int64]:
    """Real inputs (samples, n_in) to integer activations: scale, round half to even, saturate.

    Inputs of a recurrent network have shape (samples, steps, n_in). Raises ElsieError for a wrong
    shape or a value that is not finite.
    """
    try:
        real = np.asarray(x, dtype=np.float64)
    except (ValueError, TypeError):
        raise ElsieError(
            "input is no array of numbers; pad sequences to (samples, steps, n_in) and give lengths"
        ) from None
    axes = ("samples", "steps") if network.recurrent else ("samples",)
    if real.ndim != 1 + len(axes) or real.shape[-1] != network.n_in:
        raise ElsieError(
            f"input has shape {real.shape}, but network {network.name} takes "
            f"({', '.join(axes)}, {network.n_in})"
        )
    if not real.size:
        raise ElsieError("input has no samples; give at least one")
    if not np.isfinite(real).all():
        raise ElsieError("input has values that are NaN or infinite; remove them first")
    with np.errstate(over="ignore"):  # what is too large saturates all the same
        scaled = np.rint(np.ldexp(real, network.layers[0].in_frac))
    limit = 1 << (network.config.act_width - 1)
    return np.clip(scaled, -limit, limit - 1).astype(np.int64)


def forward(network: Network, x: ArrayLike) -> list[NDArray[np.int64]]:
    """Integer activations of every layer: [input, after layer 1, ...], each (batch, width).

    `x` is integer (see `quantise_input`). Sums are formed in float64, which is exact: the
    compiler has proved |sum| < 2**(acc_width - 1) <= 2**52 for every partial sum.
    """
    activations = [np.asarray(x, dtype=np.int64)]
    for layer in network.layers:
        sums = activations[-1].astype(np.float64) @ dense_weights(layer, network)
        activations.append(drain(layer, sums.astype(np.int64), act_width=network.config.act_width))
    return activations


def predict(network: Network, x: ArrayLike) -> NDArray[np.float64]:
    """Real outputs (batch, n_out) for real inputs (batch, n_in), as the engine computes them."""
    out = forward(network, quantise_input(network, x))[-1]
    return np.ldexp(out.astype(np.float64), -network.layers[-1].out_frac)


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
