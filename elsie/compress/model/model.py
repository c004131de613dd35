"""A trained model in floating point: from the importer to the compiler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.conv import FloatConv
from elsie.compress.model.grid import Grid, snap
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.stages import Stages
from golden.errors import ElsieError
from golden.maps.inputs import axes_of


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
    sources: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """By a layer's number from 1: the layers whose outputs it takes, side by side, 0 for the
    inputs; where that is not the one before it."""
    order: NDArray[np.int64] | None = None
    """Place in a sample, as the file has it, of each input that layers see; None if it is the same:
    maps are in the order channel, row, column."""

    def __post_init__(self) -> None:
        """Check that the layers fit each other."""
        if not self.layers:
            raise ElsieError(f"model {self.name}: it has no layers")
        if len({layer.name for layer in self.layers}) < len(self.layers):
            raise ElsieError(f"model {self.name}: two layers share one name")
        for number, layer in enumerate(self.layers, start=1):
            self._check_sources(number, layer)
        if self.head is not None and any(layer.stateful for layer in self.layers[self.head :]):
            raise ElsieError(f"model {self.name}: a recurrent layer follows the last step's output")

    def _check_sources(self, number: int, layer: FloatLayer) -> None:
        """A layer takes as many inputs as the layers before it have outputs."""
        taken = self.taken(number)
        if not taken or not all(0 <= source < number for source in taken):
            raise ElsieError(f"layer {layer.name}: it must take outputs of layers before it")
        found = sum(self.layers[source - 1].n_out if source else self.n_in for source in taken)
        if layer.n_in != found:
            names = [self.layers[source - 1].name if source else "the input" for source in taken]
            raise ElsieError(
                f"layer {layer.name}: it takes {layer.n_in} inputs but layer {' and '.join(names)} "
                f"has {found} outputs"
            )

    def taken(self, number: int) -> tuple[int, ...]:
        """Numbers of the layers, from 1, whose outputs layer `number` takes; 0 is the inputs."""
        return self.sources.get(number, (number - 1,))

    @property
    def chain(self) -> bool:
        """Each layer takes the one before it, and no other."""
        return all(self.taken(n) == (n - 1,) for n in range(1, len(self.layers) + 1))

    @property
    def recurrent(self) -> bool:
        """Some layer has a state, so that inputs are sequences."""
        return any(layer.stateful for layer in self.layers)

    @property
    def maps(self) -> bool:
        """Some layer is on maps (convolution)."""
        return any(isinstance(layer, FloatConv) for layer in self.layers)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, rows and columns of the inputs where they are a map; else empty."""
        for number, layer in enumerate(self.layers, start=1):
            if isinstance(layer, FloatConv) and 0 in self.taken(number):
                return layer.sources[self.taken(number).index(0)].shape
        return ()

    @property
    def input_axes(self) -> tuple[int, ...]:
        """Order of these axes in samples as the file has them; empty if it is the same.

        Raises ElsieError for an order that is none of axes.
        """
        found = axes_of(self.order, self.input_shape) if self.input_shape else ()
        if found is None:
            raise ElsieError(
                f"model {self.name}: its inputs are mixed up before the first convolution, and "
                f"only their axes may be transposed; mix them before you export the model"
            )
        return found

    @property
    def n_in(self) -> int:
        """Inputs of the model."""
        return self.layers[0].n_in // len(self.taken(1))

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
        """Outputs (samples, n_out) for inputs (samples, n_in), or samples of any shape.

        For a recurrent model's inputs (samples, steps, n_in): outputs after each sample's last
        step, given by `lengths` (samples,), or without a head (samples, steps, n_out). rounding: is
        called with (0, inputs), then (number, outputs) of each layer; returns what the next layer
        sees.
        """
        values = rounding(0, self.snap(0, self.ordered(x)))
        stages = self.stages(values)
        for number, layer in enumerate(self.layers, start=1):
            values = layer.forward(stages.given(number))
            values = rounding(number, self.snap(number, values))
            stages.put(number, values)
        if self.head is None:
            return values
        last = np.full(len(values), values.shape[1]) if lengths is None else np.asarray(lengths)
        return values[np.arange(len(values)), last - 1]

    def stages(self, inputs: Reals) -> Stages:
        """For a walk over the layers: outputs so far, with inputs in the order of the layers."""
        return Stages([self.taken(n) for n in range(1, len(self.layers) + 1)], inputs)

    def ordered(self, x: ArrayLike) -> Reals:
        """Inputs as layers see them: samples of maps flat, in the model's order."""
        real = np.asarray(x, dtype=np.float64)
        if not self.recurrent and real.ndim > 2:
            real = real.reshape(len(real), -1)
        return real if self.order is None else real[..., self.order]

    def snap(self, number: int, values: Reals) -> Reals:
        """Outputs of layer `number`, from 1, as the layer after it sees them; 0 is the inputs."""
        return snap(values, self.grids.get(number, ()))
