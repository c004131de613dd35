"""The layers, and the figures of ESE's paper for its own (FPGA 2017, tables 3 and 5)."""

from dataclasses import dataclass, replace
from typing import Any

PES = 32
"""PEs of one of ESE's 32 channels."""
CLOCK_MHZ = 200
"""ESE's clock, for comparisons in microseconds."""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One matrix of a layer, and the paper's times for a channel."""

    name: str
    density: float
    theoretical: float | None = None
    """Microseconds, if every PE did a useful multiplication in every cycle."""
    real: float | None = None
    """Microseconds, measured."""


@dataclass(frozen=True, kw_only=True)
class LstmLayer:
    """An LSTM layer; `inputs` and `recurrent` are the matrices of the gates i, f, g and o."""

    name: str
    n_in: int
    cells: int
    projected: int | None
    """Rows of the projection, if there is one."""
    peepholes: bool
    inputs: tuple[Matrix, ...]
    recurrent: tuple[Matrix, ...]
    projection: Matrix | None = None

    @property
    def n_back(self) -> int:
        """Columns that are fed back."""
        return self.projected or self.cells


def _uniform(density: float) -> dict[str, Any]:
    """Eight matrices of one density."""
    return {
        part: tuple(Matrix(name=f"W{gate}{letter}", density=density) for gate in "ifco")
        for part, letter in (("inputs", "x"), ("recurrent", "r"))
    }


ESE = LstmLayer(
    name="ESE",
    n_in=153,
    cells=1024,
    projected=512,
    peepholes=True,
    inputs=(
        Matrix(name="Wix", density=0.117, theoretical=2.9, real=5.36),
        Matrix(name="Wfx", density=0.117, theoretical=2.9, real=5.36),
        Matrix(name="Wcx", density=0.118, theoretical=2.9, real=5.36),
        Matrix(name="Wox", density=0.115, theoretical=2.8, real=5.36),
    ),
    recurrent=(
        Matrix(name="Wir", density=0.113, theoretical=9.3, real=10.31),
        Matrix(name="Wfr", density=0.115, theoretical=9.4, real=10.01),
        Matrix(name="Wcr", density=0.112, theoretical=9.1, real=9.89),
        Matrix(name="Wor", density=0.115, theoretical=9.4, real=10.04),
    ),
    projection=Matrix(name="Wym", density=0.100, theoretical=8.2, real=15.66),
)
"""The Google LSTM that ESE runs; its total is 57.0 theoretical, 82.7 real."""

TOTALS = (57.0, 82.7)
"""ESE's whole step in microseconds: theoretical, real."""


def _sixteenth(layer: LstmLayer) -> LstmLayer:
    """The layer at a sixteenth of its sizes, so that a drawing shows every cycle."""

    def timeless(matrix: Matrix) -> Matrix:
        return replace(matrix, theoretical=None, real=None)

    return replace(
        layer,
        name=f"{layer.name}/16",
        n_in=round(layer.n_in / 16),
        cells=layer.cells // 16,
        projected=layer.projected and layer.projected // 16,
        inputs=tuple(map(timeless, layer.inputs)),
        recurrent=tuple(map(timeless, layer.recurrent)),
        projection=layer.projection and timeless(layer.projection),
    )


LAYERS = {
    layer.name: layer
    for layer in (
        ESE,
        # EIE, table III: 1201 columns, which are 600 inputs, 600 fed back, and a bias.
        LstmLayer(
            name="NT-LSTM", n_in=600, cells=600, projected=None, peepholes=False, **_uniform(0.10)
        ),
        # DeepBench, rnn_problems.h: 256 hidden, batch 1, 150 steps. Dense there; here pruned.
        LstmLayer(
            name="DeepBench-256",
            n_in=256,
            cells=256,
            projected=None,
            peepholes=False,
            **_uniform(0.10),
        ),
        _sixteenth(ESE),
    )
}
