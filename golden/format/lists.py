"""Lists of activations: where each layer of a network reads and writes them.

A group's activation memory holds `act_lists` lists. Each stream has its own: two that layers use in
turn, as source and target; and two for every layer whose output is fed back, the previous step's
and the current step's, which swap from step to step. With delta no two layers share a list, because
what was sent last is remembered for each list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from golden.format.layer import Layer


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
    """What is fed back into each layer: the list's counterpart, from the previous step."""
    target: tuple[Place, ...]
    """Output of each layer."""
    per_stream: int
    """How many a stream needs; those of stream s start at s * EngineConfig.stream_lists."""


def allocate(layers: Sequence[Layer], *, delta: bool) -> Lists:
    """Lists of a network's layers; the input of the first layer is list 0."""
    sources = {number + layer.projected for number, layer in enumerate(layers) if layer.kind.cells}
    numbers = _numbers(len(layers), sources, delta=delta)
    targets = tuple(
        Place(number=number, alternates=nth in sources) for nth, number in enumerate(numbers)
    )
    return Lists(
        source=(Place(number=0, alternates=False), *targets[:-1]),
        recurrent=tuple(
            targets[number + layer.projected] if layer.kind.cells else None
            for number, layer in enumerate(layers)
        ),
        target=targets,
        per_stream=1 + max(1, *(p.number + p.alternates for p in targets)),
    )


def _numbers(layers: int, fed_back: set[int], *, delta: bool) -> list[int]:
    """List of each layer's outputs; the first of two for those that are fed back."""
    found, free = [], 2
    if delta:
        free = 1
        for number in range(layers):
            found.append(free)
            free += 1 + (number in fed_back)
        return found
    turn = 0
    for number in range(layers):
        if number in fed_back:
            found.append(free)
            free += 2
        else:
            turn = 1 - turn
            found.append(turn)
    return found
