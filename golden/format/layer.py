"""One layer of a compressed network, and where its rows are in the PEs."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.config import EngineConfig
from golden.format.activations import activation_of
from golden.format.alphabets import decode
from golden.kinds import LayerKind
from golden.maps.convolution import Convolution

UNPLACED = np.zeros(0, dtype=np.int64)
"""Position of rows that are not assigned yet."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One layer in integers: y = act(round((W x + bias) / 2**shift)), or LSTM or GRU cells.

    A layer of n_out cells has one matrix for all its gates: row g * n_out + j is gate g of cell j,
    in the order of LayerKind; its columns are the layer's inputs, then what is fed back. How gates
    become outputs is in golden.arithmetic.cells; there `shift` is that of a tanh, and a sigmoid's
    is one more.
    """

    name: str
    """Name for messages, from the model."""
    n_in: int
    """Inputs."""
    n_out: int
    """Outputs: rows, or cells."""
    indptr: NDArray[np.int64]
    """CSC column starts, shape (n_in + n_back + 1,)."""
    rows: NDArray[np.int64]
    """Row of each non-zero, ascending within a column, shape (nnz,)."""
    codes: NDArray[np.int64]
    """Weight code of each non-zero, shape (nnz,)."""
    codebook: NDArray[np.int64]
    """Shared integer weights, shape (2**code_width,); empty unless the MAC kind is codebook."""
    bias: NDArray[np.int64]
    """Bias of every row at the accumulator's scale, shape (gates x n_out,)."""
    shift: int
    """Requantising right shift: weight_frac + in_frac - `Activation.sum_frac`."""
    activation: str
    """A key of golden.format.activations.ACTIVATIONS; 'identity' for cells."""
    weight_frac: int
    """An integer weight w stands for w * 2**-weight_frac."""
    in_frac: int
    """An input activation a stands for a * 2**-in_frac."""
    out_frac: int
    """An output activation a stands for a * 2**-out_frac; GATE_FRAC for cells and functions."""
    position: NDArray[np.int64]
    """Row assignment, shape (n_out,): row j is column position[j] of the next layer. A position c
    stands for group c % groups and index c // groups in it; index i is local row i // group of
    the group's PE number i % group. For cells, local row 4 r + g is gate g of local cell r."""
    kind: LayerKind = LayerKind.DENSE
    """What it computes."""
    n_back: int = 0
    """Columns that are fed back: outputs of the previous step; 0 for dense layers."""
    projected: bool = False
    """What is fed back is the next layer's output (a projection; Sak et al., 2014), not its own."""
    peephole: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    """LSTM: weight codes of the peepholes i, f, o, shape (n_out, 3); (0, 3) without. They multiply
    the state, so their scale is weight_frac + in_frac - state_frac."""
    threshold: int = 0
    """With delta: an output is sent when it has moved by more than this since it was last sent."""
    maps: Convolution | None = None
    """Of a `conv` layer. Its matrix has a row for each output channel, and the columns of its
    sources side by side; there is a position for each unit, number phase x n_out + channel."""

    @classmethod
    def of_matrix(
        cls,
        codes: ArrayLike,
        stored: ArrayLike,
        *,
        name: str,
        position: NDArray[np.int64] = UNPLACED,
        weight_frac: int,
        in_frac: int = 0,
        out_frac: int = 0,
        activation: str = "identity",
        kind: LayerKind = LayerKind.DENSE,
        n_back: int = 0,
        projected: bool = False,
        codebook: ArrayLike = (),
        bias: ArrayLike | None = None,
        peephole: ArrayLike | None = None,
        maps: Convolution | None = None,
    ) -> "Layer":
        """A layer made from a matrix of weight codes, shape (rows, columns).

        stored: which of them have an entry, same shape. `bias` None: zeros. `shift` follows from
        the scales. The other arguments are the fields of the same names; codebook, bias and
        peephole become int64.
        """
        mask, every = np.asarray(stored, dtype=bool), np.asarray(codes, dtype=np.int64)
        column, row = np.nonzero(mask.T)  # by column, rows ascending
        looks = np.zeros((0, 3)) if peephole is None else peephole
        return cls(
            name=name,
            kind=kind,
            n_in=mask.shape[1] - n_back,
            n_out=len(mask) // kind.gates,
            n_back=n_back,
            projected=projected,
            indptr=np.concatenate(([0], np.cumsum(mask.sum(axis=0)))),
            rows=row,
            codes=every[row, column],
            codebook=np.asarray(codebook, dtype=np.int64),
            bias=np.asarray(np.zeros(len(mask)) if bias is None else bias, dtype=np.int64),
            shift=weight_frac + in_frac - activation_of(kind, activation).sum_frac(out_frac),
            activation=activation,
            weight_frac=weight_frac,
            in_frac=in_frac,
            out_frac=out_frac,
            position=position,
            peephole=np.asarray(looks, dtype=np.int64),
            maps=maps,
        )

    @property
    def n_rows(self) -> int:
        """Rows of the matrix."""
        return self.kind.gates * self.n_out

    @property
    def n_positions(self) -> int:
        """Rows, cells or units that have a position."""
        return self.n_out * (self.maps.phases if self.maps else 1)

    @property
    def n_values(self) -> int:
        """Activations that it makes, one for each output or place of its map."""
        return self.n_out * (math.prod(self.maps.pooled) if self.maps else 1)

    @property
    def n_columns(self) -> int:
        """Columns of the matrix."""
        return self.n_in + self.n_back

    @property
    def peepholes(self) -> bool:
        """It has peepholes."""
        return len(self.peephole) > 0

    @property
    def nnz(self) -> int:
        """Stored non-zero weights."""
        return int(self.indptr[-1])

    @property
    def columns(self) -> NDArray[np.int64]:
        """Column of each non-zero, shape (nnz,)."""
        return np.repeat(np.arange(self.n_columns), np.diff(self.indptr))

    def weights(self, config: EngineConfig) -> NDArray[np.int64]:
        """Integer weight of each non-zero, shape (nnz,)."""
        return self.decode(config, self.codes)

    def decode(self, config: EngineConfig, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Integer weights of codes of any shape, a peephole's for example."""
        return decode(config, codes, self.codebook)


def locate(config: EngineConfig, position: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """PE and local row of positions (see `Layer.position`); two arrays of the same shape."""
    group, index = position % config.groups, position // config.groups
    return group * config.group + index % config.group, index // config.group


def locate_rows(config: EngineConfig, layer: Layer) -> tuple[NDArray, NDArray]:
    """PE and local row of every row of the layer's matrix, two arrays of shape (n_rows,)."""
    pe, local = locate(config, layer.position)
    gates = layer.kind.gates
    gate = np.repeat(np.arange(gates), layer.n_out)
    return np.tile(pe, gates), gates * np.tile(local, gates) + gate


def locate_inverse(
    config: EngineConfig, pe: NDArray[np.int64], row: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Position of local row `row` of PE `pe`; the reverse of `locate`."""
    index = row * config.group + pe % config.group
    return index * config.groups + pe // config.group


def place(config: EngineConfig, pe: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of every row, shape (n_out,), when `pe` (n_out,) own them, in the matrix's order."""
    order = np.argsort(pe, kind="stable")
    before = np.cumsum(np.bincount(pe, minlength=config.pes)) - np.bincount(
        pe, minlength=config.pes
    )
    local = np.empty(len(pe), dtype=np.int64)
    local[order] = np.arange(len(pe)) - before[pe[order]]
    return locate_inverse(config, pe, local)


def deal(config: EngineConfig, number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of rows dealt to the PEs in turn; `number` is each row's place in that order."""
    return locate_inverse(config, number % config.pes, number // config.pes)
