"""Convolution in plain Python, an output at a time: for the tests of golden's."""

from fractions import Fraction

from golden.format.layer import Layer
from golden.format.network import Network

Map = list[list[list[int]]]
"""Values by channel, row and column."""


def slow_forward(network: Network, x: list[int]) -> list[Map]:
    """The output map of every layer, for an input in the order channel, row, column."""
    channels, rows, columns = network.input_shape
    values = iter(x)
    given = [[[next(values) for _ in range(columns)] for _ in range(rows)] for _ in range(channels)]
    maps = [given]
    for layer in network.layers:
        maps.append(_pool(layer, _layer(network, layer, maps)))
    return maps[1:]


def _weights(network: Network, layer: Layer) -> dict[tuple[int, int], int]:
    """Weight of each row and column that has one."""
    found = {}
    for column in range(layer.n_in):
        for nth in range(int(layer.indptr[column]), int(layer.indptr[column + 1])):
            weight = layer.decode(network.config, layer.codes[nth : nth + 1])[0]
            found[int(layer.rows[nth]), column] = int(weight)
    return found


def _layer(network: Network, layer: Layer, maps: list[Map]) -> Map:
    """Before pooling."""
    weights, shape = _weights(network, layer), layer.maps.shape if layer.maps else (1, 1)
    return [
        [
            [_output(network, layer, maps, weights, (o, y, x)) for x in range(shape[1])]
            for y in range(shape[0])
        ]
        for o in range(layer.n_out)
    ]


def _output(
    network: Network,
    layer: Layer,
    maps: list[Map],
    weights: dict[tuple[int, int], int],
    place: tuple[int, int, int],
) -> int:
    """One output: its channel, row and column."""
    output, oy, ox = place
    total, column = int(layer.bias[output]), 0
    if layer.maps is None:
        before = maps[network.layers.index(layer)]
        total += sum(weights.get((output, c), 0) * one[0][0] for c, one in enumerate(before))
        return _requantise(network, layer, total)
    for source in layer.maps.sources:
        given = maps[source.layer + 1]
        each = layer.n_out // len(given)
        channels = [output // each] if source.depthwise else range(len(given))
        for channel in channels:
            for ky in range(source.kernel[0]):
                for kx in range(source.kernel[1]):
                    y = oy * source.stride[0] - source.pad[0] + ky
                    x = ox * source.stride[1] - source.pad[1] + kx
                    if 0 <= y < len(given[0]) and 0 <= x < len(given[0][0]):
                        total += weights.get((output, column), 0) * given[channel][y][x]
                    column += not source.uniform
            column += source.uniform
    return _requantise(network, layer, total)


def _requantise(network: Network, layer: Layer, total: int) -> int:
    limit = 1 << (network.config.act_width - 1)
    value = max(-limit, min(limit - 1, round(Fraction(total, 1 << layer.shift))))
    return max(0, value) if layer.activation == "relu" else value


def _pool(layer: Layer, given: Map) -> Map:
    """The largest of each window."""
    rows, columns = layer.maps.pool if layer.maps else (1, 1)
    return [
        [
            [
                max(one[y + dy][x + dx] for dy in range(rows) for dx in range(columns))
                for x in range(0, len(one[0]), columns)
            ]
            for y in range(0, len(one), rows)
        ]
        for one in given
    ]
