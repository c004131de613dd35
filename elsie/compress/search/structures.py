"""Neurons and ranks that a search tries, each beside all densities.

On chip a small network is mostly pointers, which pruned weights do not make fewer, but neurons do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elsie.compress.search.weights import AUTO
from elsie.compress.structure.plan import Rank

_NEURONS = (0.5, 0.35, 0.25)
"""Shares of the neurons that are tried where they are to be found, beside all."""
_RANKS = (0.4,)
"""Shares of the weights that the factors of low rank have."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """As CompileOptions has them."""

    neurons: float | Mapping[str, float] | None = None
    """Shares of neurons."""
    rank: Rank | Mapping[str, Rank] | None = None
    """Low-rank factors."""

    def __str__(self) -> str:
        """As on the command line, without dashes; empty for the layers as they are."""
        return ", ".join(f"{name} {_text(value)}" for name, value in self._set().items())

    def _set(self) -> "dict[str, float | Mapping[str, float]]":
        """What is set."""
        every = {"neurons": self.neurons, "rank": self.rank}
        return {name: value for name, value in every.items() if value is not None}


def structures(neurons: Any, rank: Any) -> Sequence[Structure]:
    """What is tried, first without whatever is to be found (AUTO)."""
    plain = Structure(
        neurons=None if neurons == AUTO else neurons, rank=None if rank == AUTO else rank
    )
    fewer = [Structure(neurons=one, rank=plain.rank) for one in _NEURONS] if neurons == AUTO else []
    split = [Structure(neurons=plain.neurons, rank=one) for one in _RANKS] if rank == AUTO else []
    return [plain, *fewer, *split]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{layer}={one}" for layer, one in value.items())
    return str(value)
