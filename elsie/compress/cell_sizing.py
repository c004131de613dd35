"""Memory depths and widths of the engine that a network with cells needs."""

from typing import Any

import numpy as np

from elsie.compress.checks import WIDEST
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import csc
from golden.format.address_map import layer_nonzeros
from golden.format.layer import Layer, locate
from golden.format.lists import allocate
from golden.format.network import Network
from golden.kinds import CELL_WIDTH, GATE_FRAC, EntryMemory, LayerKind, bits_for
from golden.proof import accumulator_bound


def roomy(config: EngineConfig, *, state_frac: int, delta: bool = False) -> EngineConfig:
    """`config` with room for anything, to build a network in."""
    most: dict[str, Any] = {
        "act_width": CELL_WIDTH,
        "acc_width": WIDEST,
        "row_depth": 1 << 16,
        "act_depth": 1 << 20,
        "column_depth": 1 << 20,
        "bias_depth": 1 << 20,
        "entry_depth": 1 << 14,
        "layers": 256,
        "cells": 1 << 14,
        "act_lists": 8 * config.streams,
        "state_frac": state_frac,
        "delta": delta,
        "shift_low": 0,
        "shift_high": 52,
    }
    return config.replace(**most)


def fit(
    network: Network, *, acc_width: int | None = None, run_width: int | None = None
) -> EngineConfig:
    """The configuration of `network` with the depths, widths and shifts that it needs.

    Widths that are given are checked and taken. Raises ElsieError for those that do not do.
    """
    base, layers = network.config, network.layers
    local = [int(locate(base, layer.position)[1].max()) + 1 for layer in layers]
    rows = [layer.kind.gates * count for layer, count in zip(layers, local, strict=True)]
    inputs = -(-network.n_in // base.groups)
    steps = [count * base.group for count in local]
    back = [
        local[number + layer.projected] * base.slots if layer.n_back else 0
        for number, layer in enumerate(layers)
    ]
    columns = base.groups * (inputs + sum(steps[:-1])) + sum(back)
    lists = allocate(layers, delta=base.delta).per_stream
    cells = sum(n for layer, n in zip(layers, local, strict=True) if layer.n_back)
    run_width, entries = _entries(network, local, given=run_width)
    shifts = [layer.shift for layer in layers]
    if cells:
        kinds = [layer.shift for layer in layers if layer.kind is not LayerKind.DENSE]
        shifts += [*(shift + 1 for shift in kinds), GATE_FRAC, GATE_FRAC - 1]
    depths: dict[str, Any] = {
        "run_width": run_width,
        "entry_depth": entries,
        "row_depth": max(rows),
        "act_depth": 1 << (max(inputs, *steps) - 1).bit_length(),
        "column_depth": columns + columns % 2,
        "bias_depth": sum(rows) * base.group,
        "layers": max(2, 1 << (len(layers) - 1).bit_length()),
        "cells": cells,
        "act_lists": lists * base.streams,
        "acc_width": _accumulator(network, given=acc_width),
        "shift_low": min(shifts),
        "shift_high": max(shifts),
    }
    return base.replace(**depths)


def _accumulator(network: Network, *, given: int | None) -> int:
    """The least accumulator width that cannot overflow, and holds a product of two gates."""
    limit = WIDEST if given is None else given
    need = network.config.product_width
    for layer in network.layers:
        bound = accumulator_bound(layer, network, signed_input=True)
        width = max(max(bound.bit_length(), layer.shift + 1) + 1, need)
        if width > limit:
            raise ElsieError(
                f"layer {layer.name}: its sums reach {bound}, which needs acc_width {width}, but "
                f"acc_width is {limit}; raise acc_width (at most {WIDEST}), or lower weight_width "
                f"or the density"
            )
        need = width
    return need if given is None else given


def _entries(network: Network, local: list[int], *, given: int | None) -> tuple[int, int]:
    """Run width with which the fullest PE has the fewest bits, and the entry depth for it."""
    config = network.config
    widest = min(
        16, max(2, bits_for(max(layer.kind.gates * n for layer, n in _with(network, local))))
    )
    if config.entry_memory is EntryMemory.SPRAM:
        widest = min(widest, 8 - config.code_width)
    best: tuple[int, int, int] | None = None
    for run_width in range(2, widest + 1) if given is None else [given]:
        sized = config.replace(run_width=run_width)
        total = np.zeros(config.pes, dtype=np.int64)
        peepholes = 0
        for layer, count in _with(network, local):
            nonzeros = layer_nonzeros(sized, layer, np.arange(layer.n_columns))
            stored = csc.encode(sized, nonzeros, columns=layer.n_columns).count
            lanes = sized.entry_lanes
            total += (-(-stored // lanes) * lanes).sum(axis=1)
            if layer.peepholes:
                # They begin at one address in all PEs.
                peepholes += 3 * count + int(total.max() - total.min())
        fullest = int(total.max()) + peepholes
        bits = fullest * (8 if sized.entry_lanes > 1 else config.code_width + run_width)
        if best is None or bits < best[0]:
            best = (bits, run_width, fullest)
    assert best is not None
    _, run_width, fullest = best
    depth = 1 << (max(1, fullest) - 1).bit_length() if fullest <= 256 else -(-fullest // 256) * 256
    return run_width, max(config.entry_lanes, depth)


def _with(network: Network, local: list[int]) -> list[tuple[Layer, int]]:
    """Every layer with its outputs per PE."""
    return list(zip(network.layers, local, strict=True))
