"""Thresholds of delta mode: smaller changes are not sent (Neil et al., 2017)."""

from dataclasses import replace
from math import inf
from numbers import Real

from golden.errors import ArgumentError
from golden.format.network import Network
from golden.kinds import CELL_WIDTH


def check_delta(delta: tuple[float, float] | None) -> None:
    """Raise ElsieError for invalid thresholds, before any work."""
    if delta is None:
        return
    if not isinstance(delta, tuple | list) or len(delta) != 2:
        raise ArgumentError(
            f"`delta` must be two thresholds, of inputs and of outputs, not {delta!r}"
        )
    for what, value in zip(("inputs", "outputs"), delta, strict=True):
        if not isinstance(value, Real) or not 0 <= float(value) < inf:
            raise ArgumentError(
                f"`delta`: the threshold of {what} must be 0 or more, not {value!r}"
            )


def with_thresholds(network: Network, inputs: float, outputs: float) -> Network:
    """The same network with thresholds, real numbers, for an engine with delta.

    inputs: for the network's inputs. outputs: for the outputs of all layers that run in every step.
    Raises ElsieError for negative ones, and for those that nothing could exceed.
    """
    check_delta((inputs, outputs))
    end = len(network.layers) if network.head is None else network.head
    layers = [
        replace(layer, threshold=_integer(outputs, layer.out_frac, f"layer {layer.name}"))
        for layer in network.layers[:end]
    ]
    threshold = _integer(inputs, network.layers[0].in_frac, "the inputs")
    return replace(network, threshold=threshold, layers=(*layers, *network.layers[end:]))


def _integer(threshold: float, frac: int, what: str) -> int:
    """A threshold at a scale."""
    found, most = round(threshold * 2.0**frac), (1 << (CELL_WIDTH - 1)) - 1
    if found > most:
        raise ArgumentError(
            f"`delta`: the threshold {threshold:g} of {what} is too large: nothing there can "
            f"move by more than {most * 2.0**-frac:g}"
        )
    return found
