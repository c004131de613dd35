"""A compressed network's own weights in floating point: what it would compute without rounding."""

import numpy as np

from elsie.compress.kinds.gates import unstacked
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import GATES, FloatCells
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from golden.arithmetic.layers import dense_weights
from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import LayerKind


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
        layers.append(_cells(network, number) if layer.kind.cells else _dense(network, layer))
    return Model(name=network.name, layers=tuple(layers), head=head)


def _matrix(network: Network, layer: Layer) -> Reals:
    """Real weights (rows, columns), as if all columns had the scale of the inputs."""
    return np.ldexp(dense_weights(layer, network).T, -layer.weight_frac)


def _bias(layer: Layer) -> Reals:
    return np.ldexp(layer.bias.astype(np.float64), -layer.weight_frac - layer.in_frac)


def _dense(network: Network, layer: Layer) -> FloatDense:
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
