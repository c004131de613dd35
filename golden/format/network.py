"""A compressed network: formats, sparse matrices and the layer list.

This is what the compiler produces and everything else consumes. Nothing here depends on how the
bits are packed for the engine; `golden.format.image` does that.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.activations import ACTIVATIONS, activation_of
from golden.format.layer import Layer, locate
from golden.kinds import LayerKind, Powers
from golden.maps.checks import check_maps
from golden.maps.inputs import AXES
from golden.report import Report

FARTHEST = 64
"""An input's position is at most this far from the first layer's in_frac."""
MAX_FRAC = 2047
"""Binary places of a scale; no float has more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A compressed network for one engine configuration."""

    name: str
    """Name of the model."""
    config: EngineConfig
    """The engine it was compiled for."""
    layers: tuple[Layer, ...]
    """In order; at least one."""
    report: Report | None = None
    """The compiler's; None for a network that was not compiled."""
    threshold: int = 0
    """With delta: an input is sent when it has moved by more than this since it was last sent."""
    head: int | None = None
    """First of the layers that run only when an answer is requested; None when all always run."""
    input_frac: tuple[int, ...] = ()
    """Fraction bits of each input where they differ; empty when all have the first layer's in_frac.
    Its weight of input j then stands for w * 2**(input_frac[j] - in_frac - weight_frac)."""
    input_shape: tuple[int, ...] = ()
    """Channels, rows and columns of the input where it is a map; empty for a vector."""
    input_axes: tuple[int, ...] = ()
    """Order of these axes in real samples (golden.maps.inputs); empty where it is the same.
    Integers are always in the order channel, row, column."""

    def __post_init__(self) -> None:
        """Check that the parts fit each other. Raises ElsieError naming layer and field."""
        if not self.layers:
            raise ElsieError(f"network {self.name}: it has no layers")
        for name, value in (
            (f"network {self.name}", self.threshold),
            *((f"layer {layer.name}", layer.threshold) for layer in self.layers),
        ):
            if not 0 <= value < 1 << (self.config.act_width - 1):
                raise ElsieError(f"{name}: threshold must be 0 or more and fit an activation")
            if value and not self.config.delta:
                raise ElsieError(f"{name}: threshold is for engines with delta; leave it at 0")
        if self.head is not None and not 0 < self.head < len(self.layers):
            raise ElsieError(
                f"network {self.name}: head must be the number of a layer after the first"
            )
        self._check_input_frac()
        if self.maps:
            check_maps(self.layers, self.input_shape)
        elif self.input_shape:
            raise ElsieError(f"network {self.name}: input_shape is for engines with maps")
        if self.input_axes and (not self.input_shape or sorted(self.input_axes) != [*AXES]):
            raise ElsieError(
                f"network {self.name}: input_axes must be 0, 1 and 2 in some order, of an "
                f"input_shape, not {self.input_axes}"
            )
        for index, layer in enumerate(self.layers):
            _check_layer(self, layer)
            if self.maps:
                continue
            if index and layer.n_in != self.layers[index - 1].n_out:
                raise ElsieError(
                    f"layer {layer.name}: n_in is {layer.n_in} but the layer before has "
                    f"{self.layers[index - 1].n_out} outputs"
                )
            if index and layer.in_frac != self.layers[index - 1].out_frac:
                raise ElsieError(
                    f"layer {layer.name}: in_frac differs from the layer before's out_frac"
                )
            if layer.kind.cells:
                self._check_feedback(index)

    def _check_input_frac(self) -> None:
        """One position for each input, as far from the common one as the compiler ever goes."""
        if not self.input_frac:
            return
        if len(self.input_frac) != self.n_in:
            raise ElsieError(
                f"network {self.name}: input_frac must have {self.n_in} numbers, one for each "
                f"input, or none, not {len(self.input_frac)}"
            )
        common = self.layers[0].in_frac
        if any(type(f) is not int or abs(f - common) > FARTHEST for f in self.input_frac):
            raise ElsieError(
                f"network {self.name}: input_frac must be integers at most {FARTHEST} from the "
                f"first layer's in_frac, {common}"
            )
        if self.threshold or self.maps:
            what = "an engine with maps" if self.maps else "a threshold of inputs"
            raise ElsieError(f"network {self.name}: {what} needs one in_frac for all")

    def _check_feedback(self, index: int) -> None:
        """What is fed back into the cells of layer number `index` must exist and fit."""
        layer, source = self.layers[index], index + self.layers[index].projected
        if source >= len(self.layers) or (self.head is not None and source >= self.head > index):
            raise ElsieError(f"layer {layer.name}: it is projected, but no layer follows it")
        if layer.projected and self.layers[source].kind is not LayerKind.DENSE:
            raise ElsieError(f"layer {layer.name}: the layer after it is not a projection")
        if layer.n_back != self.layers[source].n_out:
            raise ElsieError(
                f"layer {layer.name}: n_back is {layer.n_back}, but layer "
                f"{self.layers[source].name} has {self.layers[source].n_out} outputs"
            )
        if self.head is not None and index >= self.head:
            raise ElsieError(f"layer {layer.name}: cells must run in every step, not in the head")

    @property
    def info(self) -> Report:
        """The compiler's report: accuracies, densities, sizes. Raises ElsieError without one."""
        if self.report is None:
            raise ElsieError(
                f"network {self.name}: it has no report of how it was compiled; compile it again"
            )
        return self.report

    @property
    def recurrent(self) -> bool:
        """Some layer has a state, so that an input is a step of a sequence."""
        return any(layer.kind.cells for layer in self.layers)

    @property
    def powers(self) -> tuple[Powers, ...]:
        """What inputs are rounded to, and each layer's outputs; the last one's are integers."""
        hidden = (self.config.act_powers,) * (len(self.layers) - 1)
        return (self.config.input_powers, *hidden, Powers())

    @property
    def maps(self) -> bool:
        """The engine has maps, so that every layer is a convolution."""
        return self.config.maps.rows > 0

    @property
    def n_in(self) -> int:
        """Inputs of the network."""
        return math.prod(self.input_shape) if self.input_shape else self.layers[0].n_in

    @property
    def positions(self) -> dict[str, int | list[int]]:
        """`in_frac` (a list where inputs differ) and `out_frac`: an integer i is i * 2**-frac."""
        return {
            "in_frac": list(self.input_frac) or self.layers[0].in_frac,
            "out_frac": self.layers[-1].out_frac,
        }

    @property
    def n_out(self) -> int:
        """Outputs of the network."""
        return self.layers[-1].n_out


def _check_layer(network: Network, layer: Layer) -> None:
    """Shapes, ranges and the row assignment of one layer."""

    def need(condition: bool, what: str) -> None:
        if not condition:
            raise ElsieError(f"layer {layer.name}: {what}")

    config = network.config
    need(layer.n_in >= 1 and layer.n_out >= 1, "n_in and n_out must be at least 1")
    for name in ("weight_frac", "in_frac", "out_frac"):
        need(abs(getattr(layer, name)) <= MAX_FRAC, f"{name} must be -{MAX_FRAC}..{MAX_FRAC}")
    need(
        layer.indptr.shape == (layer.n_columns + 1,),
        f"indptr must have {layer.n_columns + 1} elements",
    )
    need(
        int(layer.indptr[0]) == 0 and bool(np.all(layer.indptr[1:] >= layer.indptr[:-1])),
        "indptr must start at 0 and never decrease",
    )
    need(layer.rows.shape == (layer.nnz,), f"rows must have {layer.nnz} elements")
    need(layer.codes.shape == (layer.nnz,), f"codes must have {layer.nnz} elements")
    if layer.nnz:
        need(layer.rows.min() >= 0 and layer.rows.max() < layer.n_rows, "a row is out of range")
        ordered = np.diff(layer.columns * layer.n_rows + layer.rows) > 0
        need(bool(np.all(ordered)), "rows must ascend within each column")
        top = 1 << config.code_width
        need(layer.codes.min() >= 0 and layer.codes.max() < top, "a weight code is out of range")
    size = config.codebook_size
    need(layer.codebook.shape == (size,), f"codebook must have {size} values")
    if size:
        limit = 1 << (config.weight_width - 1)
        need(
            -limit <= layer.codebook.min() and layer.codebook.max() < limit,
            f"a codebook value does not fit {config.weight_width} bits",
        )
    need(layer.peepholes or layer.peephole.shape == (0, 3), "an empty peephole must be (0, 3)")
    need(layer.bias.shape == (layer.n_rows,), f"bias must have {layer.n_rows} elements")
    need(layer.activation in ACTIVATIONS, f"activation must be one of {', '.join(ACTIVATIONS)}")
    need(
        config.shift_low <= layer.shift <= config.shift_top,
        f"shift must be {config.shift_low}..{config.shift_top}, not {layer.shift}",
    )
    _check_activation(config, layer, need)
    if layer.kind.cells:
        _check_cells(config, layer, need)
    else:
        need(
            layer.n_back == 0 and not layer.peepholes,
            f"a {layer.kind.value} layer feeds nothing back",
        )
    need(layer.maps is not None or layer.kind is not LayerKind.CONV, "it has no maps")
    need(layer.maps is None or layer.kind is LayerKind.CONV, "only a conv layer has maps")
    need(layer.maps is None or network.maps, "it has maps, but the engine has none; set maps")
    positions = layer.n_positions
    need(layer.position.shape == (positions,), f"position must have {positions} elements")
    need(len(np.unique(layer.position)) == positions, "two rows share one position")
    pe, row = locate(config, layer.position)
    need(
        layer.position.min() >= 0 and pe.max() < config.pes,
        "a row's position names a PE that does not exist",
    )
    rows = layer.kind.gates * (int(row.max()) + 1)
    need(
        rows <= config.row_depth,
        f"it needs {rows} rows per PE, but row_depth is {config.row_depth}; "
        f"use more PEs or a larger row_depth",
    )


def _check_activation(
    config: EngineConfig, layer: Layer, need: Callable[[bool, str], None]
) -> None:
    """The scales that the activation asks for, and that the engine has it."""
    cells, made = layer.kind.cells, activation_of(layer.kind, layer.activation)
    need(not cells or config.cells > 0, "it has cells, but the engine has none (cells is 0)")
    need(
        not made.function or config.functions,
        f"it has a {layer.activation}, but the engine has no functions; set functions, and "
        f"act_width to 16",
    )
    need(
        made.out_frac in (None, layer.out_frac),
        f"out_frac must be {made.out_frac} for {'cells' if cells else layer.activation}",
    )
    need(
        layer.shift == layer.weight_frac + layer.in_frac - made.sum_frac(layer.out_frac),
        f"shift must be weight_frac + in_frac - {made.argument or 'out_frac'}",
    )


def _check_cells(config: EngineConfig, layer: Layer, need: Callable[[bool, str], None]) -> None:
    """Rules for LSTM and GRU layers only."""
    need(layer.activation == "identity", "activation must be identity for cells")
    need(
        layer.shift + 1 <= config.shift_top,
        f"a sigmoid needs shift {layer.shift + 1}, but the engine has {config.shift_top} at most",
    )
    if layer.peepholes:
        need(layer.kind is LayerKind.LSTM, "only an LSTM has peepholes")
        need(layer.peephole.shape == (layer.n_out, 3), f"peephole must be ({layer.n_out}, 3)")
        top = 1 << config.code_width
        need(
            layer.peephole.min() >= 0 and layer.peephole.max() < top,
            "a peephole's weight code is out of range",
        )
