"""A trained fully connected layer in floating point."""

from dataclasses import dataclass, field, replace
from typing import Self

from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import FloatLayer, Part, Reals, check_finite
from elsie.compress.quantise.schemes import Scheme
from golden.errors import ElsieError
from golden.kinds import LayerKind


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatDense(FloatLayer):
    """One fully connected layer, y = act(W x + bias).

    Raises ElsieError naming the layer when the shapes do not fit or a value is not finite.
    """

    name: str
    """Name for messages, unique in a model."""
    weight: Reals
    """Shape (n_out, n_in)."""
    bias: Reals
    """Shape (n_out,)."""
    activation: str
    """A key of elsie.compress.model.functions.FUNCTIONS."""
    scheme: Scheme | None = None
    """The alphabet that its weights shall have; None for the engine's own."""
    kind: LayerKind = field(default=LayerKind.DENSE, init=False)
    """Fully connected."""

    def __post_init__(self) -> None:
        """Check shapes and values."""
        if self.weight.ndim != 2 or not self.weight.size:
            raise ElsieError(
                f"layer {self.name}: the weight must be a matrix with at least one row and one "
                f"column, not of shape {self.weight.shape}"
            )
        if self.bias.shape != (self.n_out,):
            raise ElsieError(
                f"layer {self.name}: the bias must have shape ({self.n_out},), not "
                f"{self.bias.shape}"
            )
        if self.activation not in FUNCTIONS:
            raise ElsieError(
                f"layer {self.name}: activation must be one of {', '.join(FUNCTIONS)}, "
                f"not {self.activation!r}"
            )
        check_finite(self.name, "weight", self.weight)
        check_finite(self.name, "bias", self.bias)

    @property
    def n_in(self) -> int:
        """Columns."""
        return self.weight.shape[1]

    @property
    def n_out(self) -> int:
        """Rows."""
        return self.weight.shape[0]

    def parameters(self) -> list[Reals]:
        """Weight and bias."""
        return [self.weight, self.bias]

    def parts(self) -> tuple[Part, ...]:
        """The matrix."""
        return (Part(name=self.name, matrices=(self.weight[None],)),)

    def with_parts(self, parts: tuple[Part, ...]) -> Self:
        """The same layer with another matrix."""
        return replace(self, weight=parts[0].matrices[0][0])

    def forward(self, x: Reals) -> Reals:
        """Outputs (..., n_out) for inputs (..., n_in)."""
        flat = x.reshape(-1, self.n_in) @ self.weight.T + self.bias
        return FUNCTIONS[self.activation](flat).reshape(*x.shape[:-1], self.n_out)
