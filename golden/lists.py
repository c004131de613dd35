"""Lists of activations: where each layer of a network with cells finds and puts them.

A group's activation memory holds `act_lists` lists. Each stream has its own: two that layers use in
turn, source and target, and two for every layer whose output is fed back, the step before's and the
step's, which change places from step to step.
"""

from dataclasses import dataclass

from golden.kinds import LayerKind
from golden.network import Network


@dataclass(frozen=True, kw_only=True)
class Place:
    """A list of stream 0; if it alternates, it is list + 1 in every other step."""

    number: int
    alternates: bool


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The lists of every layer, and how many a stream has."""

    source: tuple[Place, ...]
    """Input of each layer."""
    recurrent: tuple[Place | None, ...]
    """What is fed back into each layer: the list's counterpart, from the step before."""
    target: tuple[Place, ...]
    """Output of each layer."""
    per_stream: int
    """How many a stream needs; stream s has those from s * EngineConfig.stream_lists on."""


def allocate(network: Network) -> Lists:
    """Lists of a network; the input of the first layer is list 0."""
    sources = {
        number + layer.projected
        for number, layer in enumerate(network.layers)
        if layer.kind is not LayerKind.DENSE
    }
    kept = {
        number: Place(number=2 + 2 * nth, alternates=True)
        for nth, number in enumerate(sorted(sources))
    }
    targets: list[Place] = []
    free = 0
    for number in range(len(network.layers)):
        if number in kept:
            targets.append(kept[number])
            continue
        free = 1 - free
        targets.append(Place(number=free, alternates=False))
    return Lists(
        source=(Place(number=0, alternates=False), *targets[:-1]),
        recurrent=tuple(
            None if layer.kind is LayerKind.DENSE else kept[number + layer.projected]
            for number, layer in enumerate(network.layers)
        ),
        target=tuple(targets),
        per_stream=2 + 2 * len(kept),
    )
