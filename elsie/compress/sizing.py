"""Memory depths and field widths of the engine for a network."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from elsie.compress.checks import WIDEST
from golden.config import EngineConfig
from golden.errors import ArgumentError, ElsieError
from golden.format.activations import activation_of
from golden.format.address_map import AddressMap
from golden.format.layer import Layer
from golden.format.network import Network
from golden.format.program import PROGRAMS, Shift, program_of
from golden.kinds import GATE_FRAC, SPRAM_ENTRIES, EntryMemory, bits_for
from golden.maps.checks import as_shape
from golden.maps.places import Places
from golden.maps.settings import RANGES, Maps
from golden.proof import accumulator_bound, map_bound


def size(
    base: EngineConfig,
    layers: Sequence[Layer],
    *,
    run_width: int | None = None,
    shape: tuple[int, ...] = (),
) -> EngineConfig:
    """`base` with the depths that `layers` (in order, at least one) need, and the run width.

    `run_width` None: see `choose_run_width`. `shape` of the network's input, for engines with maps.
    Raises ElsieError for a network that exceeds what any engine can have.
    """
    if base.maps.rows:
        base = base.replace(maps=_maps(Places.of(base, layers, as_shape(shape))))
    places = places_of(base, layers, shape)
    if run_width is None:
        run_width = choose_run_width(places)
    needs = places.needs()
    needs["layers"] = max(2, _power_of_two(needs["layers"]))
    needs["act_depth"] = _power_of_two(needs["act_depth"])
    needs["column_depth"] += needs["column_depth"] % 2
    sized = base.replace(run_width=run_width, **needs)
    fullest = int(places.entry_places([run_width]).max())
    return sized.replace(entry_depth=_entry_depth(sized, fullest))


def places_of(
    config: EngineConfig, layers: Sequence[Layer], shape: tuple[int, ...]
) -> AddressMap | Places:
    """Where layers lie in an engine, with maps or without; `shape` of a map that is the input."""
    if config.maps.rows:
        return Places.of(config, layers, as_shape(shape))
    return AddressMap.of(config, layers)


def _maps(places: Places) -> Maps:
    """What an engine must have for maps: lists have room for maps without any zero."""
    for name, needed in (("height", places.height), ("depth", places.depth)):
        if needed > RANGES[name][1]:
            raise ElsieError(
                f"maps of the network need {name} {needed}, and no engine has more than "
                f"{RANGES[name][1]}; use more `pes`, or smaller maps"
            )
    return Maps(
        rows=places.rows(), sources=places.sources, height=places.height, depth=places.depth
    )


def choose_run_width(places: AddressMap | Places) -> int:
    """The run width with which the fullest PE stores the fewest bits; of equal ones, fewest in all.

    The widest candidate never pads: its longest run is at least the rows of a PE, less one. But in
    SPRAM an entry has 8 bits, and a wider run leaves no room for the code.
    """
    config = places.config
    spram = config.entry_memory is EntryMemory.SPRAM
    widest = min(16, bits_for(places.needs()["row_depth"]))
    if spram:
        widest = min(widest, 8 - config.code_width)
    widths = range(2, max(2, widest) + 1)
    each = np.array([8 if spram else config.code_width + width for width in widths])
    bits = places.entry_places(widths) * each[:, None]
    return min(zip(bits.max(axis=1), bits.sum(axis=1), widths, strict=True))[2]


def fit_accumulator(wide: Network, *, acc_width: int | None = None) -> int:
    """The smallest accumulator width for which no input of `wide` can overflow.

    `wide` is compiled for a configuration with accumulators wide enough for its shifts. A given
    `acc_width` is checked and returned. Raises ElsieError naming the layer and its bound when
    that, or the widest accumulator there is, does not fit.
    """
    limit = WIDEST if acc_width is None else acc_width
    least = wide.config.product_width
    signed = True
    for number, layer in enumerate(wide.layers):
        signed = signed or layer.n_back > 0  # what is fed back is signed
        bound = (
            map_bound(wide, number)
            if wide.maps
            else accumulator_bound(layer, wide, signed_input=signed)
        )
        shift = max(_shifts(layer))
        needed = max(bound.bit_length(), shift) + 1
        if needed > limit:
            wider = f"raise `acc_width` to {needed}, or " if needed <= WIDEST else ""
            narrower = "`weight_width`" if wide.config.cells else "`act_width`, `weight_width`"
            raise ArgumentError(
                f"layer {layer.name}: its sums reach {bound} and its shift is {shift}, which needs "
                f"accumulators of {needed} bits, but they have {limit}; {wider}lower {narrower} or "
                f"`density`"
            )
        least = max(least, needed)
        signed = activation_of(layer.kind, layer.activation).signed
    return least if acc_width is None else acc_width


def fit_shifts(config: EngineConfig, layers: Sequence[Layer]) -> EngineConfig:
    """`config` with exactly the range of shifts that the layers need, unless it has one already."""
    full = {field.name: field.default for field in dataclasses.fields(EngineConfig)}
    if (config.shift_low, config.shift_high) != (full["shift_low"], full["shift_high"]):
        return config
    shifts = [shift for layer in layers for shift in _shifts(layer)]
    return config.replace(shift_low=min(shifts), shift_high=max(shifts))


def _shifts(layer: Layer) -> tuple[int, ...]:
    """Shifts that a layer's operations take."""
    shifts = {
        Shift.LAYER: (layer.shift,),
        Shift.MORE: (layer.shift + 1,),
        Shift.PRODUCT: (GATE_FRAC, GATE_FRAC - 1),  # of these there must be less, too
    }
    program = PROGRAMS[program_of(layer.kind, peepholes=layer.peepholes)]
    return tuple(shift for each in program for one in each for shift in shifts[one.shift])


def _power_of_two(value: int) -> int:
    """The least power of two >= value, for value >= 1."""
    return 1 << (value - 1).bit_length()


def _entry_depth(config: EngineConfig, places: int) -> int:
    """Entry memory depth: a block RAM is 256 deep at its widest on iCE40."""
    if config.entry_memory is EntryMemory.SPRAM and places > SPRAM_ENTRIES:
        raise ArgumentError(
            f"the fullest PE has {places} entries, but `entry_memory` spram holds {SPRAM_ENTRIES} "
            f"for each; use more `pes`, or a lower `density`"
        )
    rounded = _power_of_two(max(1, places)) if places <= 256 else -(-places // 256) * 256
    return max(config.entry_lanes, rounded)
