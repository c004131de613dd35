"""What the compiler needs of a trained layer in floating point, whatever its kind."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from elsie.compress.quantise.schemes import Scheme
from golden.errors import ElsieError
from golden.kinds import LayerKind

Reals = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Weights that become one integer layer, so that they share their outputs' PEs."""

    name: str
    """Of the integer layer."""
    matrices: tuple[Reals, ...]
    """One for each source of columns, shape (gates, n_out, columns); gates are pruned apart."""
    by_row: bool = False
    """Each output keeps as many weights, of all sources together."""

    @property
    def kept(self) -> NDArray[np.uint8]:
        """Gates with a non-zero weight, of each output and column, shape (n_out, columns)."""
        counts = [(matrix != 0).sum(axis=0, dtype=np.uint8) for matrix in self.matrices]
        return np.concatenate(counts, axis=1)


class FloatLayer(ABC):
    """One trained layer. Immutable; `with_parts` makes another."""

    name: str
    """Name for messages, unique in a model."""
    kind: LayerKind
    """What it computes; the key of elsie.compress.kinds.registry.KINDS."""
    scheme: Scheme | None
    """The alphabet that its weights shall have; None for the engine's own."""

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Inputs."""

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Outputs."""

    @property
    def stateful(self) -> bool:
        """It has a state, so that it takes sequences."""
        return False

    @abstractmethod
    def parameters(self) -> list[Reals]:
        """All trained numbers."""

    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """The weights that may be pruned, one part for each integer layer to be made."""

    @abstractmethod
    def with_parts(self, parts: tuple[Part, ...]) -> Self:
        """The same layer with other weights, of the shapes of `parts()`."""

    def with_scheme(self, scheme: Scheme | None) -> Self:
        """The same layer, for another alphabet."""
        return replace(cast(Any, self), scheme=scheme)

    @abstractmethod
    def forward(self, x: Reals) -> Reals:
        """Outputs (..., n_out) for inputs (..., n_in); for a stateful layer (samples, steps, n)."""


def check_finite(layer: str, what: str, values: Reals) -> None:
    """Raise ElsieError unless all `values` are finite."""
    if not np.isfinite(values).all():
        raise ElsieError(
            f"layer {layer}: the {what} has values that are NaN or infinite; "
            f"train or export the model again"
        )
