"""What the compiler tells of a network, in figures: they go with it into its NET file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from golden.record import Record

FIGURES = ("accuracy", "exact_match", "label_accuracy", "r2", "rmse")
"""Scores of evaluation data: percents but for the last two."""


@dataclass(frozen=True, kw_only=True)
class LayerReport(Record):
    """One layer."""

    name: str
    density: float
    """Share of its weights that is left."""
    nnz: int
    """Weights that are left."""
    entries: int
    """Stored entries, with padding."""
    padding: int
    """Entries without a weight."""
    entries_per_pe: tuple[int, ...]
    mse: float
    """Of the quantised weights, over the pruned layer's non-zero ones."""
    kind: str | None = None
    """Of layers with cells."""
    lost: int | None = None
    """Where weights share a scale with what is fed back, those that became 0."""
    weights: str | None = None
    """Their alphabet, where it is not all that the engine has."""


@dataclass(frozen=True, kw_only=True)
class SizeBits(Record):
    """Bits of a network."""

    dense: int
    """All trained numbers in 32-bit float."""
    stored: int
    """What is loaded into the engine: entries with padding and peepholes (in SPRAM whole words of
    two, 8 bits each), a pointer (start and count) for every column in every PE, one codebook for
    each layer, and every group's biases."""


@dataclass(frozen=True, kw_only=True)
class Left(Record):
    """How many of something there were, and are."""

    given: int
    left: int


@dataclass(frozen=True, kw_only=True)
class Structure(Record):
    """What became of the layers before pruning."""

    neurons: Mapping[str, Left]
    """Of each hidden layer."""
    rank: Mapping[str, int]
    """Of each layer that became two factors."""
    weights: Left
    """Places for weights in all matrices."""


@dataclass(frozen=True, kw_only=True)
class Quality(Record):
    """Golden against the float network as it was given, before pruning."""

    samples: int
    """How many calibration samples this was measured on."""
    held_out: bool
    """They were not used for scales."""
    agreement: float | None
    """Percent whose largest output is the same; None where outputs are no classes."""
    refitted: bool
    """Measured on a network made without these samples; the one in use was made with them too."""
    relative_error: float
    """Root of the squared error's share of the outputs' variance: 0 is equal, 1 is useless."""

    @property
    def drop(self) -> float:
        """Percentage points lost: of the agreement, else of the variance."""
        return 100 * self.relative_error**2 if self.agreement is None else 100 - self.agreement

    def __str__(self) -> str:
        """For messages."""
        agreement = "" if self.agreement is None else f"{self.agreement:.1f} % the same class, "
        return f"{agreement}relative error {self.relative_error:.3g}"


@dataclass(frozen=True, kw_only=True)
class Choice(Record):
    """A network that a search measured."""

    weights: str
    """Their kind, and the bits of a code."""
    density: float
    """Share of all weights that is left."""
    densities: Mapping[str, float]
    """Of each layer."""
    bits: int
    """On chip, as SizeBits.stored."""
    cycles: float
    """Mean of a few inferences, by the timing model."""
    drop: float
    """As Quality.drop."""
    relative_error: float
    """As Quality.relative_error."""
    chosen: bool
    """It is the network of this report."""
    structure: str = ""
    """Shares of neurons, ranks; empty for the layers as they are."""


@dataclass(frozen=True, kw_only=True)
class Search(Record):
    """What a network was searched for, and how."""

    budget_bits: int | None
    """At most so many, on chip."""
    max_drop: float | None
    """At most so many points."""
    tried: int
    """Networks that were measured."""
    samples: int
    """Calibration samples that the chosen one was measured on."""
    held_out: bool
    """None of them was used to make what they measured."""
    drop_of: str
    """What drops are of: agreement or variance."""


@dataclass(frozen=True, kw_only=True)
class Report(Record):
    """All of it."""

    layers: tuple[LayerReport, ...]
    strategy: str
    """How rows were assigned to PEs."""
    balanced: str | None
    """How each PE was given as many weights, if it was."""
    notes: tuple[str, ...]
    """What was done to the model, and why, a sentence each."""
    board: str | None
    """The board that the network was compiled for."""
    size_bits: SizeBits
    compression_ratio: float
    """dense / stored."""
    structure: Structure | None = None
    """Where neurons were dropped or layers factorised."""
    quality: Quality
    warnings: tuple[str, ...]
    """What is wrong, the cause and a way out, a sentence each."""
    outputs: str | None = None
    """What outputs are, as the model's last operator says: elsie.compress.scores.Kind."""
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Of FIGURES, with evaluation data: after each stage, float, pruned, quantised, golden."""
    front: tuple[Choice, ...] = ()
    """Networks that a search measured, of which none is smaller and better; the smallest first."""
    search: Search | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the figures stand beside the other fields."""
        values = super().to_dict()
        figures = values.pop("figures")
        return values | figures

    @classmethod
    def from_dict(cls, values: Any, what: str) -> Self:
        """The reverse of `to_dict`."""
        if isinstance(values, dict):
            figures = {name: values[name] for name in FIGURES if name in values}
            values = {name: one for name, one in values.items() if name not in figures}
            values["figures"] = figures
        return super().from_dict(values, what)
