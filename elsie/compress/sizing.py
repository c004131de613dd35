"""Memory depths and field widths of the engine that a network needs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import locate
from golden.format.network import Network
from golden.kinds import SPRAM_ENTRIES, EntryMemory, bits_for
from golden.proof import accumulator_bound


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """A layer's pattern and row assignment: all that the memory sizes depend on."""

    name: str
    """Name for messages."""
    stored: NDArray[np.bool_]
    """Which weights have an entry, shape (n_out, n_in)."""
    position: NDArray[np.int64]
    """Row assignment (golden.format.network.Layer.position), shape (n_out,)."""

    def rows_per_pe(self, config: EngineConfig) -> int:
        """The most rows that a PE owns."""
        return int(locate(config, self.position)[1].max()) + 1


def count_padding(config: EngineConfig, layer: Placed, run_widths: Sequence[int]) -> NDArray:
    """Padding entries in every PE for each run width, int64 of shape (run widths, pes).

    A gap of g rows of the PE before an entry, since the column's last entry or since local row 0,
    needs g // (2**run_width - 1) padding entries (golden/format/csc.py, EIE section 3).
    """
    owner, _, gap = _gaps(config, layer)
    counts = [
        np.bincount(owner, gap // ((1 << run_width) - 1), minlength=config.pes)
        for run_width in run_widths
    ]
    return np.array(counts).astype(np.int64)


def _gaps(config: EngineConfig, layer: Placed) -> tuple[NDArray, NDArray, NDArray]:
    """PE and column of every entry that carries a weight, and the rows skipped before it."""
    pe, local = locate(config, layer.position)
    row, column = np.nonzero(layer.stored)
    order = np.lexsort((local[row], column, pe[row]))
    owner, column, local = pe[row][order], column[order], local[row][order]
    same = np.zeros(len(owner), dtype=bool)
    same[1:] = (owner[1:] == owner[:-1]) & (column[1:] == column[:-1])
    gap = local - np.where(same, np.concatenate(([0], local[:-1] + 1))[: len(local)], 0)
    return owner, column, gap


def count_entries(config: EngineConfig, layer: Placed) -> NDArray[np.int64]:
    """Weight entries in every PE, without padding, shape (pes,)."""
    pe, _ = locate(config, layer.position)
    return np.bincount(pe, layer.stored.sum(axis=1), minlength=config.pes).astype(np.int64)


def count_places(config: EngineConfig, layer: Placed, run_widths: Sequence[int]) -> NDArray:
    """Places for entries that a layer takes in every PE, int64 of shape (run widths, pes).

    With padding, and with what stays free in the last word of a column where a word holds more
    than one entry (golden/format/image.py).
    """
    if config.entry_lanes == 1:
        return count_entries(config, layer) + count_padding(config, layer, run_widths)
    owner, column, gap = _gaps(config, layer)
    columns, lanes = layer.stored.shape[1], config.entry_lanes
    counts = []
    for run_width in run_widths:
        entries = 1 + gap // ((1 << run_width) - 1)
        each = np.bincount(owner * columns + column, entries, minlength=config.pes * columns)
        words = -(-each.astype(np.int64) // lanes)
        counts.append(lanes * words.reshape(config.pes, columns).sum(axis=1))
    return np.array(counts)


def choose_run_width(config: EngineConfig, layers: Sequence[Placed]) -> int:
    """The run width for which the fullest PE stores the fewest bits; of equal ones fewest in all.

    The widest candidate never pads: its longest run is at least the rows of a PE, less one. But in
    SPRAM an entry has 8 bits, and a wider run leaves no room for the code.
    """
    rows = max(layer.rows_per_pe(config) for layer in layers)
    widest = min(16, bits_for(rows))
    if config.entry_memory is EntryMemory.SPRAM:
        widest = min(widest, 8 - config.code_width)
    widths = range(2, max(2, widest) + 1)
    places = np.sum([count_places(config, layer, widths) for layer in layers], axis=0)
    bits = places * _place_bits(config, np.array(widths))[:, None]
    return min(zip(bits.max(axis=1), bits.sum(axis=1), widths, strict=True))[2]


def _place_bits(config: EngineConfig, run_widths: NDArray) -> NDArray:
    """Bits of memory that an entry takes, for each run width."""
    if config.entry_memory is EntryMemory.SPRAM:
        return np.full(run_widths.shape, 8)
    return config.code_width + run_widths


def size(
    base: EngineConfig, layers: Sequence[Placed], *, run_width: int | None = None
) -> EngineConfig:
    """`base` with the depths that `layers` (in order, at least one) need, and the run width.

    `run_width` None: see `choose_run_width`. Raises ElsieError for a network that exceeds what any
    engine can have.
    """
    if run_width is None:
        run_width = choose_run_width(base, layers)
    sized = base.replace(run_width=run_width)
    rows = [layer.rows_per_pe(sized) for layer in layers]
    places = np.sum([count_places(sized, layer, [run_width])[0] for layer in layers], axis=0)
    inputs = -(-layers[0].stored.shape[1] // sized.groups)
    steps = [count * sized.group for count in rows]
    columns = sized.groups * (inputs + sum(steps[:-1]))
    depths: dict[str, Any] = {
        "entry_depth": _entry_depth(sized, int(places.max())),
        "row_depth": max(rows),
        "act_depth": _power_of_two(max(inputs, *steps)),
        "column_depth": columns + columns % 2,
        "bias_depth": sum(steps),
        "layers": max(2, _power_of_two(len(layers))),
    }
    return sized.replace(**depths)


def fit_accumulator(wide: Network, *, acc_width: int | None = None) -> int:
    """The least accumulator width for which no input of `wide` can overflow.

    `wide` is compiled for a configuration with accumulators wide enough for its shifts. A given
    `acc_width` is checked and returned. Raises ElsieError naming the layer and its bound when
    that, or the widest accumulator there is, does not fit.
    """
    config = wide.config
    limit = config.acc_width if acc_width is None else acc_width
    least = config.product_width
    for number, layer in enumerate(wide.layers):
        signed = number == 0 or wide.layers[number - 1].activation != "relu"
        bound = accumulator_bound(layer, wide, signed_input=signed)
        needed = max(bound.bit_length(), layer.shift) + 1
        if needed > limit:
            raise ElsieError(
                f"layer {layer.name}: its sums reach {bound} and its shift is {layer.shift}, "
                f"which needs acc_width {needed}, but acc_width is {limit}; raise acc_width "
                f"(at most 53), or lower act_width, weight_width or the density"
            )
        least = max(least, needed)
    return least if acc_width is None else acc_width


def fit_shifts(config: EngineConfig, shifts: Sequence[int]) -> EngineConfig:
    """`config` with just the range of `shifts` that the layers need, unless it has one already."""
    full = {field.name: field.default for field in dataclasses.fields(EngineConfig)}
    if (config.shift_low, config.shift_high) != (full["shift_low"], full["shift_high"]):
        return config
    return config.replace(shift_low=min(shifts), shift_high=max(shifts))


def _power_of_two(value: int) -> int:
    """The least power of two >= value, for value >= 1."""
    return 1 << (value - 1).bit_length()


def _entry_depth(config: EngineConfig, places: int) -> int:
    """Entry memory depth: a block RAM is 256 deep at its widest on iCE40."""
    if config.entry_memory is EntryMemory.SPRAM and places > SPRAM_ENTRIES:
        raise ElsieError(
            f"the fullest PE has {places} entries, but entry_memory spram holds {SPRAM_ENTRIES} "
            f"for each; use more PEs or lower the density"
        )
    rounded = _power_of_two(max(1, places)) if places <= 256 else -(-places // 256) * 256
    return max(config.entry_lanes, rounded)
