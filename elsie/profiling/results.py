"""A network's profile: what is found about its inputs and about every layer."""

from dataclasses import dataclass
from typing import Any

from golden.record import Record

QUANTILES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
"""Of the values that are shown."""


@dataclass(frozen=True, kw_only=True)
class Histogram(Record):
    """Values of one place, between the least and the largest of both networks."""

    edges: tuple[float, ...]
    """One more than there are counts."""
    float: tuple[int, ...]
    """Counts of the float network."""
    golden: tuple[int, ...]
    """Counts of the engine."""


@dataclass(frozen=True, kw_only=True)
class LayerProfile(Record):
    """The inputs of a network, or the outputs of one of its layers, over all samples and steps."""

    name: str
    """Of the layer; "inputs" for the inputs."""
    kind: str
    """Of the layer: a golden.kinds.LayerKind; "inputs" for the inputs."""
    frac: int
    """Fraction bits: values lie on a grid of 2**-frac, or on the powers among it."""
    best_frac: int
    """Fraction bits of least rounding error for these values; `frac` where there is no choice."""
    grid: tuple[float, float]
    """The grid's ends."""
    quantiles: dict[str, tuple[float, ...]]
    """Of `float` and `golden`, at QUANTILES."""
    steps: int
    """Different values that golden took."""
    steps_of: int
    """Values that there are on the grid; without the negative ones where none can be."""
    clipped: float
    """Share of the float values, for golden's inputs of this layer, that lie beyond the grid."""
    dead: float
    """Share of the outputs that are 0 for every sample in golden."""
    dead_float: float
    """The same of the float network."""
    added: float
    """Relative error (elsie.compress.quality.relative_error) that this layer adds: golden beside
    the float layer for the same inputs."""
    error: float
    """Relative error beside the float network, all layers up to here."""
    agreement: float | None
    """Percent of the answers with the same class when golden computes up to here, and the float
    network goes on; None where outputs are no classes."""
    output_error: float
    """Relative error of the network's outputs then."""
    remarks: tuple[str, ...]
    """What is wrong here, and what to do, one sentence each."""
    histogram: Histogram
    """For drawings."""


@dataclass(frozen=True, kw_only=True)
class Profile(Record):
    """A network beside a float one."""

    network: str
    """Its name."""
    model: str | None
    """File or name of the float network; None: the network's own weights, without rounding
    activations."""
    samples: int
    """How many were run."""
    places: tuple[LayerProfile, ...]
    """The inputs, then the layers in order; a projection belongs to its cells."""

    @property
    def worst(self) -> LayerProfile:
        """Where most error is added."""
        return max(self.places, key=lambda place: place.added)

    @property
    def remarks(self) -> list[str]:
        """Of all places, in order."""
        return [remark for place in self.places for remark in place.remarks]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**super().to_dict(), "worst": self.worst.name, "remarks": self.remarks}
