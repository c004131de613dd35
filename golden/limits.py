"""The rules of an engine's configuration: ranges of fields, and rules between fields."""

from golden import stages
from golden.errors import ArgumentError
from golden.fields import EngineFields
from golden.kinds import CELL_WIDTH, GATE_FRAC, SPRAM_ENTRIES, ActCode, EntryMemory
from golden.maps import settings

FEWEST_LEVELS = 3
"""Magnitudes that a coded activation must be able to have."""

RANGES: dict[str, tuple[int, int]] = {
    "pes": (1, 1024),
    "group": (1, 64),
    "queue_depth": (2, 1024),
    "run_width": (2, 16),
    "act_width": (4, 24),
    "input_terms": (1, 4),
    "weight_width": (2, 24),
    "code_width": (1, 16),
    "acc_width": (8, 53),
    "entry_depth": (1, 1 << 24),
    "column_depth": (1, 1 << 20),
    "row_depth": (1, 1 << 16),
    "act_depth": (1, 1 << 20),
    "bias_depth": (1, 1 << 20),
    "shift_low": (0, 52),
    "shift_high": (0, 52),
    "layers": (1, 256),
    "entry_stages": (1, 2),
    "multiplier_stages": (2, 4),
    "broadcast_stages": (0, 4),
    "cells": (0, 1 << 14),
    "state_frac": (8, 12),
    "streams": (1, 64),
    "act_lists": (2, 512),
}


def check(config: EngineFields) -> None:
    """Raise ElsieError for the first field out of range, or rule between fields that is broken."""
    _check_ranges(config)
    _check_widths(config)
    _check_code(config)
    _check_cells(config)
    if config.maps.rows:
        _check_maps(config)
    elif not config.cells and config.act_depth < config.row_depth * config.group:
        raise ArgumentError(
            f"engine configuration: `act_depth` must be at least row_depth x group = "
            f"{config.row_depth * config.group}, the outputs of a group, not {config.act_depth}"
        )
    if config.queue_depth <= config.queue_margin:
        raise ArgumentError(
            f"engine configuration: `queue_depth` must be at least {config.queue_margin + 1} for "
            f"{config.pes} PEs, not {config.queue_depth}: {config.queue_margin} slots are for "
            f"broadcasts already on their way when a queue reports that it is nearly full"
        )
    if config.stages.fifo and config.streams > 1:
        raise ArgumentError(
            f"engine configuration: `streams` must be 1 with a FIFO in each group (`stages`), "
            f"not {config.streams}"
        )
    if config.stages.fifo and config.fifo_threshold < 1:
        raise ArgumentError(
            f"engine configuration: `stages`: fifo must be at least {config.fifo_margin + 1} for "
            f"{config.groups} groups and {config.broadcast_stages} broadcast stages, not "
            f"{config.stages.fifo}: {config.fifo_margin} slots are for broadcasts already on "
            f"their way when a FIFO reports that it is nearly full"
        )
    _check_entries(config)


def _check_ranges(config: EngineFields) -> None:
    """The ranges of single numbers, those of the stages and of the maps too."""
    numbers = [(f"`{name}`", getattr(config, name), ends) for name, ends in RANGES.items()]
    for part, inner, ranges in (
        ("stages", config.stages, stages.RANGES),
        ("maps", config.maps, settings.RANGES),
    ):
        numbers += [
            (f"`{part}`: {name}", getattr(inner, name), ends) for name, ends in ranges.items()
        ]
    for name, value, (low, high) in numbers:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ArgumentError(
                f"engine configuration: {name} must be an integer from {low} to {high}, "
                f"not {value!r}"
            )


def _check_maps(config: EngineFields) -> None:
    """What an engine with convolutions cannot have besides."""
    rows = config.maps.rows
    if rows & (rows - 1) or rows == 1:
        raise ArgumentError(
            f"engine configuration: `maps`: rows must be 0 or a power of two from 2 on, not {rows}"
        )
    refused = {
        "cells": config.cells > 0,
        "functions": config.functions,
        "act_code": config.act_code is not ActCode.LINEAR,
        "entry_memory": config.entry_memory is not EntryMemory.BLOCK,
    }
    for name in settings.NO_STAGES:
        refused[f"stages.{name}"] = getattr(config.stages, name) > 0
    for name, given in refused.items():
        if given:
            raise ArgumentError(
                f"engine configuration: `maps` (convolution) cannot be together with `{name}`; "
                f"leave it out"
            )
    if config.group & (config.group - 1):
        raise ArgumentError(
            f"engine configuration: `group` must be a power of two with `maps` (convolution), not "
            f"{config.group}"
        )


def _check_widths(config: EngineFields) -> None:
    """The rules between code, weight and accumulator widths."""
    config.alphabet.check(config.code_width, config.weight_width)
    if config.acc_width < config.product_width:
        raise ArgumentError(
            f"engine configuration: `acc_width` must be at least {config.product_width}, the "
            f"width of one product, not {config.acc_width}"
        )
    if config.shift_low > config.shift_top:
        raise ArgumentError(
            f"engine configuration: shift_low must be at most shift_high and `acc_width` - 1, "
            f"{config.shift_top}, not {config.shift_low}"
        )


def _check_code(config: EngineFields) -> None:
    """What an engine with coded activations cannot have besides."""
    kind = config.act_code
    if kind is ActCode.LINEAR:
        if config.input_terms != EngineFields.input_terms:
            raise ArgumentError(
                "engine configuration: `input_terms` is for coded activations; give `act_code` "
                "log or log-sqrt2, or leave it out"
            )
        return
    for name in ("cells", "functions"):
        if getattr(config, name):
            raise ArgumentError(
                f"engine configuration: `act_code` must be linear with {name}, not {kind.value}: "
                f"states, gates and the values of sigmoid and tanh are linear"
            )
    if len(config.act_levels) < FEWEST_LEVELS:
        raise ArgumentError(
            f"engine configuration: `act_width` {config.act_width} leaves {len(config.act_levels)} "
            f"powers for `act_code` {kind.value}, too few; raise it"
        )


def _check_entries(config: EngineFields) -> None:
    """What the large RAMs can hold."""
    if config.entry_memory is EntryMemory.BLOCK:
        return
    if config.code_width + config.run_width > 8:
        raise ArgumentError(
            f"engine configuration: `entry_memory` spram holds entries of at most 8 bits, but "
            f"`code_width` {config.code_width} and `run_width` {config.run_width} need "
            f"{config.code_width + config.run_width}; lower one of them"
        )
    if config.group % 2 and config.pes > 1:
        raise ArgumentError(
            f"engine configuration: `group` must be even with `entry_memory` spram, where two PEs "
            f"share a memory, not {config.group}"
        )
    if config.entry_depth % 2 or config.entry_depth > SPRAM_ENTRIES:
        raise ArgumentError(
            f"engine configuration: entry_depth must be even and at most {SPRAM_ENTRIES} with "
            f"`entry_memory` spram, not {config.entry_depth}"
        )


def _check_cells(config: EngineFields) -> None:
    """What an engine with LSTM or GRU cells needs, and what one without must leave alone."""
    for name in ("delta", "functions"):
        value = getattr(config, name)
        if not isinstance(value, bool):
            raise ArgumentError(
                f"engine configuration: `{name}` must be true or false, not {value!r}"
            )
    if config.functions and config.act_width != CELL_WIDTH:
        raise ArgumentError(
            f"engine configuration: `act_width` must be {CELL_WIDTH} with functions (sigmoid and "
            f"tanh), not {config.act_width}"
        )
    if not config.cells:
        if config.streams > 1 or config.act_lists > 2 or config.delta:
            raise ArgumentError(
                "engine configuration: `streams`, `delta` and act_lists are for engines with cells "
                "(LSTM, GRU); leave them out, or set cells"
            )
        return
    if config.delta and config.streams > 1:
        raise ArgumentError(
            f"engine configuration: `streams` must be 1 with `delta`, not {config.streams}: sums "
            f"last from step to step, and there is one set of them"
        )
    if config.act_width != CELL_WIDTH:
        raise ArgumentError(
            f"engine configuration: `act_width` must be {CELL_WIDTH} with LSTM or GRU cells, "
            f"not {config.act_width}"
        )
    if not config.shift_low < GATE_FRAC <= config.shift_top:
        raise ArgumentError(
            f"engine configuration: with cells the shifts must go from below {GATE_FRAC} to "
            f"{GATE_FRAC} or more, not from {config.shift_low} to {config.shift_top}"
        )
    if config.streams > 1 and config.entry_memory is EntryMemory.SPRAM:
        raise ArgumentError(
            "engine configuration: several `streams` need `entry_memory` block: with spram two PEs "
            "take turns, and operations would come between"
        )
    if config.act_lists < 2 * config.streams:
        raise ArgumentError(
            f"engine configuration: act_lists must be at least {2 * config.streams} for "
            f"{config.streams} streams, not {config.act_lists}"
        )
