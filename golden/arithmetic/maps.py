"""Convolution in integers: sums over kernels, then bias, rounding, saturation, relu, max pooling.

A map is (samples, channels, rows, columns), between layers flat: (samples, channels x rows x
columns). This is plain convolution; how an engine adds the same up is in golden.timing.maps.
"""

import numpy as np
from numpy.typing import NDArray

from golden.arithmetic.integers import round_half_even, saturate
from golden.format.activations import activation_of
from golden.format.layer import Layer
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.convolution import Convolution, Shape, Source
from golden.maps.places import shapes_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def convolution(layer: Layer) -> Convolution:
    """What only a `conv` layer has."""
    assert layer.maps is not None
    return layer.maps


def conv_sums(layer: Layer, network: Network, weights: Floats, inputs: list[Ints]) -> Ints:
    """Sums without bias (samples, n_out x rows x columns) for the maps of the layer's sources.

    `weights` (n_in, n_out) is the layer's matrix. Formed in float64, which is exact: the compiler
    has proved that no partial sum reaches 2**52.
    """
    shapes, conv = shapes_of(network.layers, as_shape(network.input_shape)), convolution(layer)
    total = np.zeros((len(inputs[0]), layer.n_out, *conv.shape))
    first = 0
    for source, given in zip(conv.sources, inputs, strict=True):
        shape = shapes[source.layer + 1]
        end = first + source.columns(shape[0])
        kernel = weights[first:end].T.reshape(layer.n_out, -1, source.places)
        _add(total, source, kernel, given.reshape(-1, *shape).astype(np.float64), shape)
        first = end
    return total.reshape(len(total), -1).astype(np.int64)


def _add(total: Floats, source: Source, kernel: Floats, given: Floats, shape: Shape) -> None:
    """Add one source's sums, kernel place by kernel place. `kernel` (n_out, channels, places)."""
    rows, columns = total.shape[2:]
    (sy, sx), (top, left) = source.stride, source.pad
    below = max(0, (rows - 1) * sy + source.kernel[0] - top - shape[1])
    right = max(0, (columns - 1) * sx + source.kernel[1] - left - shape[2])
    padded = np.pad(given, ((0, 0), (0, 0), (top, below), (left, right)))
    if source.depthwise:
        padded = np.repeat(padded, len(kernel) // shape[0], axis=1)
    for place in range(source.kernel[0] * source.kernel[1]):
        ky, kx = divmod(place, source.kernel[1])
        seen = padded[:, :, ky::sy, kx::sx][:, :, :rows, :columns]
        weight = kernel[:, :, place % source.places]
        if source.depthwise:
            total += seen * weight[:, 0, None, None]
        else:
            total += np.einsum("oc,scyx->soyx", weight, seen, optimize=True)


def conv(layer: Layer, network: Network, sums: Ints, state: Ints) -> tuple[Ints, Ints]:
    """Outputs of a convolution, (samples, n_values); the state is unused."""
    maps, made = convolution(layer), activation_of(layer.kind, layer.activation)
    totals = sums.reshape(len(sums), layer.n_out, *maps.shape) + layer.bias[:, None, None]
    out = saturate(round_half_even(totals, layer.shift), network.config.act_width)
    out = np.maximum(out, 0) if made.relu else out
    (height, width), (rows, columns) = maps.pooled, maps.pool
    windows = out.reshape(len(out), layer.n_out, height, rows, width, columns)
    return windows.max(axis=(3, 5)).reshape(len(out), -1), state
