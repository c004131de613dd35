"""A compressed network's own weights in floating point: what it would compute without rounding."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from elsie.compress.kinds.gates import unstacked
from elsie.compress.model.conv import ConvSource, FloatConv
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import GATES, FloatCells
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from golden.arithmetic.layers import dense_weights
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import LayerKind
from golden.maps.checks import as_shape
from golden.maps.convolution import Shape, Source
from golden.maps.inputs import order_of
from golden.maps.places import shapes_of


def decoded(network: Network) -> Model:
    """The float model of what the codes stand for.

    Its inputs are in the network's units: x * 2**(input_frac - in_frac) where inputs have positions
    of their own. Raises ElsieError for a projection with a bias, which no float layer has.
    """
    layers: list[FloatLayer] = []
    head = network.head
    for number, layer in enumerate(network.layers):
        if number and network.layers[number - 1].projected:
            if network.head is not None and number < network.head:
                head = (head or 0) - 1
            continue
        layers.append(_DECODED[layer.kind](network, number))
    return Model(
        name=network.name,
        layers=tuple(layers),
        head=head,
        sources=_sources(network),
        order=order_of(network.input_shape, network.input_axes) if network.input_axes else None,
    )


def _sources(network: Network) -> dict[int, tuple[int, ...]]:
    """Which layers those on maps take, as in Model."""
    maps = {number: layer.maps for number, layer in enumerate(network.layers, start=1)}
    return {n: tuple(one.layer + 1 for one in conv.sources) for n, conv in maps.items() if conv}


def _matrix(network: Network, layer: Layer) -> Reals:
    """Real weights (rows, columns), as if all columns had the scale of the inputs."""
    return np.ldexp(dense_weights(layer, network).T, -layer.weight_frac)


def _bias(layer: Layer) -> Reals:
    return np.ldexp(layer.bias.astype(np.float64), -layer.weight_frac - layer.in_frac)


def _dense(network: Network, number: int) -> FloatDense:
    layer = network.layers[number]
    return FloatDense(
        name=layer.name,
        weight=_matrix(network, layer),
        bias=_bias(layer),
        activation=layer.activation,
    )


def _cells(network: Network, number: int) -> FloatCells:
    """The cells of layer `number`, with their projection if they have one."""
    layer, source = network.layers[number], network.layers[number]
    projection = None
    if layer.projected:
        source = network.layers[number + 1]
        if source.bias.any() or source.activation != "identity":
            raise ElsieError(
                f"layer {source.name}: a projection with a bias or a function has no float "
                f"counterpart; profile a network without one"
            )
        projection = _matrix(network, source)
    gates, n = len(GATES[layer.kind]), layer.n_out
    peephole = None
    if layer.peepholes:
        codes = layer.decode(network.config, layer.peephole).T.astype(np.float64)
        peephole = np.ldexp(codes, network.config.state_frac - layer.in_frac - layer.weight_frac)
    empty = FloatCells(
        name=layer.name,
        kind=layer.kind,
        weight=np.zeros((gates, n, layer.n_in)),
        recurrent=np.zeros((gates, n, layer.n_back)),
        bias=np.zeros((gates, n)),
        bias_recurrent=np.zeros(n) if layer.kind is LayerKind.GRU else None,
        peephole=peephole,
        projection=projection,
    )
    matrix = _matrix(network, layer)
    matrix[:, layer.n_in :] *= 2.0 ** (source.out_frac - layer.in_frac)
    return unstacked(empty, np.hstack((matrix, _bias(layer)[:, None])))


def _conv(network: Network, number: int) -> FloatConv:
    """A layer on maps, with a source for each of its own."""
    layer, begin, sources = network.layers[number], 0, []
    assert layer.maps is not None
    shapes, matrix = (
        shapes_of(network.layers, as_shape(network.input_shape)),
        _matrix(network, layer),
    )
    for source in layer.maps.sources:
        shape = shapes[source.layer + 1]
        columns = source.columns(shape[0])
        frac = network.layers[source.layer].out_frac if source.layer >= 0 else layer.in_frac
        kernels = np.ldexp(matrix[:, begin : begin + columns], frac - layer.in_frac)
        fixed = source.uniform
        sources.append(float_source(source, layer.maps.shape, shape, kernels, fixed=fixed))
        begin += columns
    return FloatConv(
        name=layer.name,
        sources=tuple(sources),
        bias=_bias(layer),
        activation=layer.activation,
        pool=(layer.maps.pool[0], layer.maps.pool[1]),
    )


def float_source(
    source: Source, size: Sequence[int], shape: Shape, kernels: Reals, *, fixed: bool
) -> ConvSource:
    """A source with real kernels (outputs, columns) of a map of `shape`.

    Its pads below and on the right give an output of `size`.
    """
    (kh, kw), (sy, sx), (top, left) = source.kernel, source.stride, source.pad
    weight = kernels.reshape(len(kernels), -1, *((1, 1) if source.uniform else (kh, kw)))
    below = (size[0] - 1) * sy + kh - top - shape[1]
    right = (size[1] - 1) * sx + kw - left - shape[2]
    return ConvSource(
        weight=np.array(np.broadcast_to(weight, (*weight.shape[:2], kh, kw))),
        shape=shape,
        stride=(sy, sx),
        pads=(top, left, max(0, below), max(0, right)),
        groups=shape[0] if source.depthwise else 1,
        fixed=fixed,
    )


_DECODED: Mapping[LayerKind, Callable[[Network, int], FloatLayer]] = {
    LayerKind.DENSE: _dense,
    LayerKind.LSTM: _cells,
    LayerKind.GRU: _cells,
    LayerKind.CONV: _conv,
}
