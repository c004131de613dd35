"""Random networks with LSTM and GRU layers, straight in integers, for any configuration."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from golden.arithmetic.sequences import Step
from golden.config import EngineConfig
from golden.format.layer import Layer, deal
from golden.format.network import Network
from golden.kinds import LayerKind, MacKind

SMALL = (6, 8, 5, 6, 4)
"""Layer widths for simulations, which cost what their cycles cost; enough for several PEs."""


def cell_config(**changes: Any) -> EngineConfig:
    """A configuration with room for small networks with cells; fixed weights of 12 bits."""
    fields: dict[str, Any] = {
        "mac": "fixed",
        "pes": 4,
        "group": 2,
        "queue_depth": 6,
        "run_width": 4,
        "act_width": 16,
        "acc_width": 40,
        "entry_depth": 1024,
        "column_depth": 512,
        "row_depth": 64,
        "act_depth": 64,
        "bias_depth": 512,
        "layers": 4,
        "cells": 32,
        "act_lists": 8 * changes.get("streams", 1),
    }
    widths = {"fixed": (12, 12), "codebook": (4, 12), "ternary": (1, 2)}
    mac = MacKind(changes.get("mac", "fixed")).value
    fields["code_width"], fields["weight_width"] = widths.get(mac, (4, 16))
    return EngineConfig(**{**fields, **changes})


def cell_layer(
    rng: np.random.Generator,
    config: EngineConfig,
    kind: str,
    n_in: int,
    n_out: int,
    *,
    n_back: int | None = None,
    density: float = 0.3,
    peepholes: bool = False,
    **fields: Any,
) -> Layer:
    """One layer of any kind; a cell's outputs are fed back unless `n_back` is a projection's."""
    what, dense = LayerKind(kind), kind == "dense"
    back = 0 if dense else n_out if n_back is None else n_back
    mask = rng.random((n_in + back, what.gates * n_out)) < density
    if what is LayerKind.GRU:  # the two halves of n
        mask[n_in:, 2 * n_out : 3 * n_out] = False
        mask[:n_in, 3 * n_out :] = False
    top, codes = 1 << config.code_width, np.zeros(mask.shape, dtype=np.int64)
    book = rng.integers(-400, 400, config.codebook_size)
    nth = rng.permutation(n_out)
    codes[mask] = rng.integers(0, top, int(mask.sum()))
    options: dict[str, Any] = {
        "name": f"{kind}{n_out}",
        "kind": what,
        "n_back": back,
        "projected": n_back is not None,
        "codebook": book,
        "bias": rng.integers(-(1 << 20), 1 << 20, what.gates * n_out),
        "weight_frac": 12 if dense else 10,
        "in_frac": 14,
        "out_frac": 14,
        "position": deal(config, nth),
        "peephole": rng.integers(0, top, (n_out if peepholes else 0, 3)),
        **fields,
    }
    return Layer.of_matrix(codes.T, mask.T, **options)


def cell_network(
    rng: np.random.Generator,
    config: EngineConfig,
    *,
    widths: Sequence[int] = (10, 12, 7, 9, 5),
    density: float = 0.3,
    peepholes: bool = True,
    head: bool = True,
    activations: tuple[str, str] = ("identity", "relu"),
) -> Network:
    """A projected LSTM, a GRU, and a dense layer, which is the head if there is one.

    widths: of the input and of the layers. activations: of the projection and of the last layer.
    """
    inner, last = activations
    first, cells, back, inside, out = widths
    layers = (
        cell_layer(
            rng, config, "lstm", first, cells, n_back=back, density=density, peepholes=peepholes
        ),
        cell_layer(rng, config, "dense", cells, back, density=density, activation=inner),
        cell_layer(rng, config, "gru", back, inside, density=density),
        cell_layer(rng, config, "dense", inside, out, density=density, activation=last),
    )
    return Network(name="cells", config=config, layers=layers, head=3 if head else None)


def random_steps(rng: np.random.Generator, network: Network, count: int) -> list[Step]:
    """Steps with some zero inputs, states reset at first and then at times; answers in turn."""
    streams, steps = network.config.streams, []
    for number in range(count):
        x = rng.integers(-(1 << 15), 1 << 15, (streams, network.n_in))
        reset = rng.random(streams) < 0.2 if number else np.ones(streams)
        steps.append(
            Step(
                x=np.where(rng.random(x.shape) < 0.3, 0, x),
                reset=tuple(bool(value) for value in reset),
                answer=network.head is None or number % 2 == 1,
            )
        )
    return steps
