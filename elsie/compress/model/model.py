"""A trained model in floating point: from the importer to the compiler."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.cells import FloatCells
from golden.errors import ElsieError
from golden.format.layer import ACTIVATIONS


def activate(sums: NDArray[np.float64], activation: str) -> NDArray[np.float64]:
    """The activation function `activation` ('relu' or 'identity') of any shape."""
    return np.maximum(sums, 0.0) if activation == "relu" else sums


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatLayer:
    """One fully connected layer, y = act(W x + bias).

    Raises ElsieError naming the layer when the shapes do not fit or a value is not finite.
    """

    name: str
    """Name for messages, unique in a model."""
    weight: NDArray[np.float64]
    """Shape (n_out, n_in)."""
    bias: NDArray[np.float64]
    """Shape (n_out,)."""
    activation: str
    """'relu' or 'identity'."""

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
        if self.activation not in ACTIVATIONS:
            raise ElsieError(
                f"layer {self.name}: activation must be one of {', '.join(ACTIVATIONS)}, "
                f"not {self.activation!r}"
            )
        for what, values in (("weight", self.weight), ("bias", self.bias)):
            if not np.isfinite(values).all():
                raise ElsieError(
                    f"layer {self.name}: the {what} has values that are NaN or infinite; "
                    f"train or export the model again"
                )

    @property
    def n_in(self) -> int:
        """Columns."""
        return self.weight.shape[1]

    @property
    def n_out(self) -> int:
        """Rows."""
        return self.weight.shape[0]

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs (..., n_out) for inputs (..., n_in)."""
        return activate(x @ self.weight.T + self.bias, self.activation)


AnyLayer = FloatLayer | FloatCells


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """Layers in order. Raises ElsieError when they do not fit each other.

    With recurrent layers an input is a sequence, and all layers work step by step.
    """

    name: str
    """Name for messages."""
    layers: tuple[AnyLayer, ...]
    """In order; at least one, names unique."""
    notes: tuple[str, ...] = ()
    """What the importer left out, one sentence each."""
    head: int | None = None
    """Recurrent models: the first layer that runs only on a sequence's last step; the number of
    layers if only the last step's output counts; None when every step has an output."""

    def __post_init__(self) -> None:
        """Check that the layers fit each other."""
        if not self.layers:
            raise ElsieError(f"model {self.name}: it has no layers")
        if len({layer.name for layer in self.layers}) < len(self.layers):
            raise ElsieError(f"model {self.name}: two layers share one name")
        for before, layer in pairwise(self.layers):
            if layer.n_in != before.n_out:
                raise ElsieError(
                    f"layer {layer.name}: it takes {layer.n_in} inputs but layer {before.name} "
                    f"has {before.n_out} outputs"
                )
        if self.head is not None and any(
            isinstance(layer, FloatCells) for layer in self.layers[self.head :]
        ):
            raise ElsieError(f"model {self.name}: a recurrent layer follows the last step's output")

    @property
    def recurrent(self) -> bool:
        """Some layer has a state, so that inputs are sequences."""
        return any(isinstance(layer, FloatCells) for layer in self.layers)

    @property
    def n_in(self) -> int:
        """Inputs of the model."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Outputs of the model."""
        return self.layers[-1].n_out

    def forward(self, x: ArrayLike) -> list[NDArray[np.float64]]:
        """Activations of every layer: [input, after layer 1, ...], each (samples, width).

        Of a recurrent model (samples, steps, width), the head's too.
        """
        activations = [np.asarray(x, dtype=np.float64)]
        for layer in self.layers:
            activations.append(layer.forward(activations[-1]))
        return activations

    def predict(self, x: ArrayLike, lengths: ArrayLike | None = None) -> NDArray[np.float64]:
        """Outputs (samples, n_out) for inputs (samples, n_in).

        Of a recurrent model for (samples, steps, n_in): after each sample's last step, which
        `lengths` (samples,) tells, or if there is no head (samples, steps, n_out).
        """
        out = self.forward(x)[-1]
        if not self.recurrent or self.head is None:
            return out
        last = np.full(len(out), out.shape[1]) if lengths is None else np.asarray(lengths)
        return out[np.arange(len(out)), last - 1]
