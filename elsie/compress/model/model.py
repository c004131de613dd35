"""A trained model in floating point: from the importer to the compiler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from elsie.compress.model.grid import Grid, snap
from elsie.compress.model.layer import FloatLayer, Reals
from golden.errors import ElsieError


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """Layers in order. Raises ElsieError when they do not fit each other.

    With recurrent layers an input is a sequence, and all layers work step by step.
    """

    name: str
    """Name for messages."""
    layers: tuple[FloatLayer, ...]
    """In order; at least one, names unique."""
    notes: tuple[str, ...] = ()
    """What the importer left out, one sentence each."""
    head: int | None = None
    """Recurrent models: the first layer that runs only on a sequence's last step; the number of
    layers if only the last step's output counts; None when every step has an output."""
    outputs: Literal["classes", "labels", "values"] | None = None
    """What the outputs are (elsie.compress.scores.Score.kind), by the file's last operator or by
    labels; None when nothing says it."""
    grids: Mapping[int, tuple[Grid, ...]] = field(default_factory=dict)
    """What a quantised model rounds the outputs of a layer to, in this order, by the layer's
    number from 1; 0 is the inputs. The engine has grids of its own."""

    quantised: bool = False
    """Weights are given as integers and scales."""

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
        if self.head is not None and any(layer.stateful for layer in self.layers[self.head :]):
            raise ElsieError(f"model {self.name}: a recurrent layer follows the last step's output")

    @property
    def recurrent(self) -> bool:
        """Some layer has a state, so that inputs are sequences."""
        return any(layer.stateful for layer in self.layers)

    @property
    def n_in(self) -> int:
        """Inputs of the model."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Outputs of the model."""
        return self.layers[-1].n_out

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes of an input before its features; only a recurrent model's inputs have steps."""
        return ("samples", "steps") if self.recurrent else ("samples",)

    def predict(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        *,
        rounding: Callable[[int, Reals], Reals] = lambda _, values: values,
    ) -> Reals:
        """Outputs (samples, n_out) for inputs (samples, n_in).

        For a recurrent model's inputs (samples, steps, n_in): outputs after each sample's last
        step, given by `lengths` (samples,), or without a head (samples, steps, n_out). rounding: is
        called with (0, inputs), then (number, outputs) of each layer; returns what the next layer
        sees.
        """
        values = rounding(0, self.snap(0, np.asarray(x, dtype=np.float64)))
        for number, layer in enumerate(self.layers, start=1):
            values = rounding(number, self.snap(number, layer.forward(values)))
        if self.head is None:
            return values
        last = np.full(len(values), values.shape[1]) if lengths is None else np.asarray(lengths)
        return values[np.arange(len(values)), last - 1]

    def snap(self, number: int, values: Reals) -> Reals:
        """Outputs of layer `number`, from 1, as the layer after it sees them; 0 is the inputs."""
        return snap(values, self.grids.get(number, ()))
