"""Layer arithmetic on integers: the specification that the RTL must equal bit for bit."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.arithmetic.integers import round_half_even, saturate
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network


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
