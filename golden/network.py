"""A compressed network: formats, sparse matrices and the layer list.

This is what the compiler produces and everything else consumes. Nothing here depends on how the
bits are packed for the engine; `golden.image` does that.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.weights import decode

ACTIVATIONS = ("relu", "identity")


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """One fully connected layer, y = act(round((W x + bias) / 2**shift)), in integers."""

    name: str
    """Name for messages, from the model."""
    n_in: int
    """Columns."""
    n_out: int
    """Rows."""
    indptr: NDArray[np.int64]
    """CSC column starts, shape (n_in + 1,)."""
    rows: NDArray[np.int64]
    """Row of each non-zero, ascending within a column, shape (nnz,)."""
    codes: NDArray[np.int64]
    """Weight code of each non-zero, shape (nnz,)."""
    codebook: NDArray[np.int64]
    """Shared integer weights, shape (2**code_width,); empty unless the MAC kind is codebook."""
    bias: NDArray[np.int64]
    """Bias at full precision, the accumulator's scale, shape (n_out,)."""
    shift: int
    """Requantising right shift: weight_frac + in_frac - out_frac."""
    activation: str
    """'relu' or 'identity'."""
    weight_frac: int
    """An integer weight w stands for w * 2**-weight_frac."""
    in_frac: int
    """An input activation a stands for a * 2**-in_frac."""
    out_frac: int
    """An output activation a stands for a * 2**-out_frac."""
    position: NDArray[np.int64]
    """Row assignment, shape (n_out,): row j is column position[j] of the next layer. A position c
    stands for group c % groups and index c // groups in it; index i is local row i // group of
    the group's PE number i % group."""

    @property
    def nnz(self) -> int:
        """Stored non-zero weights."""
        return int(self.indptr[-1])

    @property
    def columns(self) -> NDArray[np.int64]:
        """Column of each non-zero, shape (nnz,)."""
        return np.repeat(np.arange(self.n_in), np.diff(self.indptr))

    def weights(self, config: EngineConfig) -> NDArray[np.int64]:
        """Integer weight of each non-zero, shape (nnz,)."""
        return decode(config, self.codes, self.codebook if self.codebook.size else None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A compressed network for one engine configuration."""

    name: str
    """Name of the model."""
    config: EngineConfig
    """The engine it was compiled for."""
    layers: tuple[Layer, ...]
    """In order; at least one."""
    info: dict[str, Any] = field(default_factory=dict)
    """What the compiler reports: accuracies, densities, sizes. JSON values only."""

    def __post_init__(self) -> None:
        """Check that the parts fit each other. Raises ElsieError naming layer and field."""
        if not self.layers:
            raise ElsieError(f"network {self.name}: it has no layers")
        for index, layer in enumerate(self.layers):
            _check_layer(self, layer)
            if index and layer.n_in != self.layers[index - 1].n_out:
                raise ElsieError(
                    f"layer {layer.name}: n_in is {layer.n_in} but the layer before has "
                    f"{self.layers[index - 1].n_out} outputs"
                )
            if index and layer.in_frac != self.layers[index - 1].out_frac:
                raise ElsieError(
                    f"layer {layer.name}: in_frac differs from the layer before's out_frac"
                )

    @property
    def n_in(self) -> int:
        """Inputs of the network."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Outputs of the network."""
        return self.layers[-1].n_out


def locate(config: EngineConfig, position: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """PE and local row of positions (see `Layer.position`); two arrays of the same shape."""
    group, index = position % config.groups, position // config.groups
    return group * config.group + index % config.group, index // config.group


def locate_inverse(
    config: EngineConfig, pe: NDArray[np.int64], row: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Position of local row `row` of PE `pe`; the reverse of `locate`."""
    index = row * config.group + pe % config.group
    return index * config.groups + pe // config.group


def _check_layer(network: Network, layer: Layer) -> None:
    """Shapes, ranges and the row assignment of one layer."""

    def need(condition: bool, what: str) -> None:
        if not condition:
            raise ElsieError(f"layer {layer.name}: {what}")

    config = network.config
    need(layer.n_in >= 1 and layer.n_out >= 1, "n_in and n_out must be at least 1")
    need(layer.indptr.shape == (layer.n_in + 1,), f"indptr must have {layer.n_in + 1} elements")
    need(
        int(layer.indptr[0]) == 0 and bool(np.all(np.diff(layer.indptr) >= 0)),
        "indptr must start at 0 and never decrease",
    )
    need(layer.rows.shape == (layer.nnz,), f"rows must have {layer.nnz} elements")
    need(layer.codes.shape == (layer.nnz,), f"codes must have {layer.nnz} elements")
    if layer.nnz:
        need(layer.rows.min() >= 0 and layer.rows.max() < layer.n_out, "a row is out of range")
        ordered = np.diff(layer.columns * layer.n_out + layer.rows) > 0
        need(bool(np.all(ordered)), "rows must ascend within each column")
        top = 1 << config.code_width
        need(layer.codes.min() >= 0 and layer.codes.max() < top, "a weight code is out of range")
    size = 1 << config.code_width if config.mac is MacKind.CODEBOOK else 0
    need(layer.codebook.shape == (size,), f"codebook must have {size} values")
    if size:
        limit = 1 << (config.weight_width - 1)
        need(
            -limit <= layer.codebook.min() and layer.codebook.max() < limit,
            f"a codebook value does not fit {config.weight_width} bits",
        )
    need(layer.bias.shape == (layer.n_out,), f"bias must have {layer.n_out} elements")
    need(layer.activation in ACTIVATIONS, f"activation must be one of {', '.join(ACTIVATIONS)}")
    need(
        config.shift_low <= layer.shift <= config.shift_top,
        f"shift must be {config.shift_low}..{config.shift_top}, not {layer.shift}",
    )
    need(
        layer.shift == layer.weight_frac + layer.in_frac - layer.out_frac,
        "shift must be weight_frac + in_frac - out_frac",
    )
    need(layer.position.shape == (layer.n_out,), f"position must have {layer.n_out} elements")
    need(len(np.unique(layer.position)) == layer.n_out, "two rows share one position")
    pe, row = locate(config, layer.position)
    need(
        layer.position.min() >= 0 and pe.max() < config.pes,
        "a row's position names a PE that does not exist",
    )
    need(
        row.max() < config.row_depth,
        f"it needs {row.max() + 1} rows per PE, but row_depth is {config.row_depth}; "
        f"use more PEs or a larger row_depth",
    )
