"""The proofs that a network suits its engine: no sum can overflow, and every memory has room."""

import math
from collections.abc import Sequence

import numpy as np

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.activations import activation_of
from golden.format.address_map import AddressMap, EntryRegion
from golden.format.layer import Layer
from golden.format.network import Network
from golden.kinds import EntryMemory
from golden.maps.checks import as_shape
from golden.maps.places import convolution_of, shapes_of


def accumulator_bound(layer: Layer, network: Network, *, signed_input: bool) -> int:
    """Largest |partial sum + bias| that any input can cause: the overflow proof.

    `signed_input` is False when the inputs are never negative, as out of a ReLU.
    """
    largest = 1 << (network.config.act_width - 1)
    largest = largest if signed_input else largest - 1
    if levels := network.config.act_levels:  # all inputs of layers are coded
        several = layer is network.layers[0] and network.config.input_terms > 1
        # No sum of an input's first powers is beyond the engine's integers (tests try all).
        largest = 1 << (network.config.act_width - 1) if several else levels[-1]
    weights = np.abs(layer.weights(network.config))
    # Sums of at most 2**20 weights below 2**24 are exact in float64; products with activations
    # are formed in Python's integers, which have no limit.
    total = np.bincount(layer.rows, weights, minlength=layer.n_rows)
    if layer.peepholes:
        looks = np.abs(layer.decode(network.config, layer.peephole))
        for gate, nth in zip((0, 1, 3), range(3), strict=True):
            total[gate * layer.n_out : (gate + 1) * layer.n_out] += looks[:, nth]
    bias = layer.bias.tolist()
    idle = abs(activation_of(layer.kind, layer.activation).idle) << layer.shift
    sums = [int(t) * largest + abs(b) for t, b in zip(total.tolist(), bias, strict=True)]
    return max(idle, *sums)


def map_bound(network: Network, number: int) -> int:
    """Largest |partial sum + bias| of layer `number` of a network with maps, at any place.

    At the border a kernel adds less than inside, so the whole kernel bounds all places.
    """
    layers, layer = network.layers, network.layers[number]
    limit = 1 << (network.config.act_width - 1)
    shapes = shapes_of(layers, as_shape(network.input_shape))
    weights, total = np.abs(layer.weights(network.config)), np.zeros(layer.n_out)
    first = 0
    for source in convolution_of(layers, number).sources:
        end = first + source.columns(shapes[source.layer + 1][0])
        before = layers[source.layer] if source.layer >= 0 else None
        signed = before is None or activation_of(before.kind, before.activation).signed
        mine = (layer.columns >= first) & (layer.columns < end)
        each = (limit if signed else limit - 1) * (math.prod(source.kernel) // source.places)
        total += each * np.bincount(layer.rows[mine], weights[mine], minlength=layer.n_out)
        first = end
    return max(int(t) + abs(b) for t, b in zip(total.tolist(), layer.bias.tolist(), strict=True))


def check_accumulators(network: Network) -> None:
    """Prove that no input can overflow an accumulator. Raises ElsieError naming the layer."""
    signed = True
    for number, layer in enumerate(network.layers):
        signed = signed or layer.kind.cells  # states are signed
        if network.maps:
            bound = map_bound(network, number)
        else:
            bound = accumulator_bound(layer, network, signed_input=signed)
        if bound >= 1 << (network.config.acc_width - 1):
            raise ElsieError(
                f"layer {layer.name}: its sums can reach {bound}, which does not fit acc_width "
                f"{network.config.acc_width}; raise acc_width"
            )
        signed = activation_of(layer.kind, layer.activation).signed


def check_room(network: Network, places: AddressMap, entries: Sequence[EntryRegion]) -> None:
    """Raise ElsieError naming the first layer for which a memory has no room."""
    config = network.config
    _check_totals(network, places)
    for layer, region, entry in zip(network.layers, places.regions, entries, strict=True):
        items = config.items_per_input if layer is network.layers[0] else 1
        _check_list(config, layer, items * region.input_columns, f"{layer.n_in} inputs")
        for name, needed in (
            ("entry_depth", int(entry.end.max())),
            ("column_depth", region.column_base + region.columns),
            ("bias_depth", region.bias_base + region.biases),
        ):
            if needed > (depth := getattr(config, name)):
                raise ElsieError(
                    f"layer {layer.name}: it needs {name} {needed}, but the engine has {depth}; "
                    f"lower the density or raise {name}"
                )
    last = network.layers[-1]
    columns = places.regions[-1].outputs * config.slots
    _check_list(config, last, columns, f"{last.n_out} outputs")


def _check_totals(network: Network, places: AddressMap) -> None:
    """Layers, lists and cells."""
    config, lists = network.config, places.lists.per_stream
    if len(network.layers) > config.layers:
        raise ElsieError(
            f"network {network.name} has {len(network.layers)} layers, but the engine's layer "
            f"program holds {config.layers}; raise layers"
        )
    if lists > config.stream_lists:
        raise ElsieError(
            f"network {network.name}: it needs {lists} lists of activations for each of "
            f"{config.streams} streams, but the engine has {config.act_lists}; raise act_lists"
        )
    for layer, region in zip(network.layers, places.regions, strict=True):
        if region.next_cell > config.cells:
            raise ElsieError(
                f"layer {layer.name}: the cells up to here need {region.next_cell} a PE, but the "
                f"engine has {config.cells}; raise cells"
            )
        if region.peepholes and config.entry_memory is EntryMemory.SPRAM:
            raise ElsieError(f"layer {layer.name}: peepholes need entry_memory block, not spram")


def _check_list(config: EngineConfig, layer: Layer, columns: int, what: str) -> None:
    """Refuse activations that exceed a list."""
    if columns > config.act_depth * config.groups:
        raise ElsieError(
            f"layer {layer.name}: {what} do not fit the activation memory "
            f"(act_depth {config.act_depth} x {config.groups} groups); raise act_depth"
        )
