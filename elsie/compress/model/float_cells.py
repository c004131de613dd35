"""A trained LSTM or GRU layer in floating point."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from elsie.compress.model.functions import sigmoid
from elsie.compress.model.layer import FloatLayer, Part, Reals, check_finite
from elsie.compress.quantise.schemes import Scheme
from golden.errors import ElsieError
from golden.kinds import LayerKind

GATES = {LayerKind.LSTM: "ifgo", LayerKind.GRU: "zrn"}
"""Order of the gates; g is the LSTM's cell input, n the GRU's."""


class Run(NamedTuple):
    """The results of a layer of cells on sequences."""

    outputs: Reals
    """Shape (samples, steps, n_out)."""
    states: Reals
    """Shape (samples, steps, n_cells); a GRU's are its outputs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatCells(FloatLayer):
    """One recurrent layer of n cells; golden.arithmetic.cells has the formulas.

    Raises ElsieError naming the layer when the shapes do not fit or a value is not finite.
    """

    name: str
    """Name for messages, unique in a model."""
    kind: LayerKind
    """LSTM or GRU."""
    weight: Reals
    """Weights of the inputs, gates in the order of GATES, shape (gates, n, n_in)."""
    recurrent: Reals
    """Weights of what is fed back, shape (gates, n, n_back)."""
    bias: Reals
    """Input and recurrent bias added up, shape (gates, n); of a GRU's n, that of the input only."""
    bias_recurrent: Reals | None = None
    """GRU: recurrent bias of n, which r multiplies, shape (n,)."""
    peephole: Reals | None = None
    """LSTM: weights of the state in i, f and o, shape (3, n)."""
    projection: Reals | None = None
    """LSTM: y = projection @ h is the output, and is what is fed back, shape (n_back, n)."""
    scheme: Scheme | None = None
    """The alphabet that its weights shall have; None for the engine's own."""

    def __post_init__(self) -> None:
        """Check shapes and values."""
        if self.kind not in GATES:
            raise ElsieError(f"layer {self.name}: kind must be lstm or gru, not {self.kind.value}")
        gates, lstm = len(GATES[self.kind]), self.kind is LayerKind.LSTM
        if self.weight.ndim != 3 or not self.weight.size:
            raise ElsieError(
                f"layer {self.name}: the weight must have shape (gates, cells, inputs), not "
                f"{self.weight.shape}"
            )
        n, back = self.weight.shape[1], self.n_out
        shapes: dict[str, tuple[int, ...] | None] = {
            "weight": (gates, n, self.n_in),
            "recurrent": (gates, n, back),
            "bias": (gates, n),
            "bias_recurrent": None if lstm else (n,),
            "peephole": (3, n) if lstm and self.peephole is not None else None,
            "projection": (back, n) if lstm and self.projection is not None else None,
        }
        for name, shape in shapes.items():
            value = getattr(self, name)
            if (None if value is None else value.shape) != shape:
                raise ElsieError(
                    f"layer {self.name}: {name} must have shape {shape}, not "
                    f"{None if value is None else value.shape}"
                )
            if value is not None:
                check_finite(self.name, name, value)

    @property
    def n_in(self) -> int:
        """Inputs."""
        return self.weight.shape[2]

    @property
    def n_cells(self) -> int:
        """Cells."""
        return self.weight.shape[1]

    @property
    def n_out(self) -> int:
        """Outputs: cells, or rows of the projection."""
        return self.n_cells if self.projection is None else self.projection.shape[0]

    @property
    def stateful(self) -> bool:
        """Its cells have a state."""
        return True

    def parameters(self) -> list[Reals]:
        """Its weights and biases."""
        optional = (self.bias_recurrent, self.peephole, self.projection)
        given = [values for values in optional if values is not None]
        return [self.weight, self.bias, self.recurrent, *given]

    def parts(self) -> tuple[Part, ...]:
        """The gates' matrices, and the projection's."""
        gates = Part(name=self.name, matrices=(self.weight, self.recurrent))
        if self.projection is None:
            return (gates,)
        return gates, Part(name=f"{self.name}.projection", matrices=(self.projection[None],))

    def with_parts(self, parts: tuple[Part, ...]) -> Self:
        """The same layer with other gates, and another projection."""
        weight, recurrent = parts[0].matrices
        projection = None if self.projection is None else parts[1].matrices[0][0]
        return replace(self, weight=weight, recurrent=recurrent, projection=projection)

    def step(self, x: Reals, state: Reals, y: Reals) -> tuple[Reals, Reals]:
        """New state and output for inputs (samples, n_in), and both of the previous step."""
        if self.kind is LayerKind.GRU:
            new = self._gru(x, state)
            return new, new
        i, f, g, o = (self._sum(gate, x, y) for gate in range(4))
        look = np.zeros((3, self.n_cells)) if self.peephole is None else self.peephole
        new = sigmoid(f + look[1] * state) * state + sigmoid(i + look[0] * state) * np.tanh(g)
        h = sigmoid(o + look[2] * new) * np.tanh(new)
        return new, h if self.projection is None else h @ self.projection.T

    def _sum(self, gate: int, x: Reals, y: Reals) -> Reals:
        return x @ self.weight[gate].T + y @ self.recurrent[gate].T + self.bias[gate]

    def _gru(self, x: Reals, h: Reals) -> Reals:
        z, r = (sigmoid(self._sum(gate, x, h)) for gate in range(2))
        inner = h @ self.recurrent[2].T + (
            0.0 if self.bias_recurrent is None else self.bias_recurrent
        )
        n = np.tanh(x @ self.weight[2].T + self.bias[2] + r * inner)
        return (1.0 - z) * n + z * h

    def run(self, x: Reals) -> Run:
        """Outputs and states for inputs (samples, steps, n_in), from zero states."""
        state, y = np.zeros((len(x), self.n_cells)), np.zeros((len(x), self.n_out))
        outputs, states = [], []
        for nth in range(x.shape[1]):
            state, y = self.step(x[:, nth], state, y)
            outputs.append(y)
            states.append(state)
        return Run(np.stack(outputs, axis=1), np.stack(states, axis=1))

    def forward(self, x: Reals) -> Reals:
        """Outputs (samples, steps, n_out) for inputs (samples, steps, n_in), from zero states."""
        return self.run(x).outputs
