"""Random networks for any configuration, straight in integers: no compiler involved."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from golden.config import EngineConfig, MacKind
from golden.format.activations import ACTIVATIONS
from golden.format.alphabets import ALPHABETS
from golden.format.layer import Layer, deal
from golden.format.network import Network
from golden.stages import RANGES


def random_stages(rng: np.random.Generator) -> dict[str, int]:
    """A number of each of the configured stages, but no FIFO."""
    small = {name: ends for name, ends in RANGES.items() if name != "fifo"}
    return {name: int(rng.integers(low, high + 1)) for name, (low, high) in small.items()}


def random_fifo(rng: np.random.Generator, config: EngineConfig) -> EngineConfig:
    """Perhaps with a FIFO in each group: the shortest one, or one that is a little longer."""
    if config.streams > 1 or rng.random() < 0.5:
        return config
    stages = dataclasses.replace(config.stages, fifo=64)
    margin = config.replace(queue_depth=64, stages=stages).fifo_margin
    fifo = margin + int(rng.choice([1, 2, 5]))
    return config.replace(
        queue_depth=config.queue_depth + 3, stages=dataclasses.replace(stages, fifo=fifo)
    )


def small_config(sizes: Sequence[int], **changes: Any) -> EngineConfig:
    """A configuration that holds a network with these layer widths, input first."""
    mac = MacKind(changes.get("mac", MacKind.CODEBOOK))
    fields: dict[str, Any] = {
        "pes": 4,
        "group": 4,
        "queue_depth": 6,
        "run_width": 4,
        "act_width": 8,
        "acc_width": 40,
        "layers": max(2, len(sizes) - 1),
    }
    fields |= {**ALPHABETS[mac].widths({}), **changes}
    pes, group = fields["pes"], fields["group"]
    groups = -(-pes // group)
    rows = max(-(-width // pes) for width in sizes[1:])
    columns = -(-sizes[0] // groups) * groups + len(sizes) * rows * group * groups
    fields.setdefault("row_depth", rows)
    items = fields.get("input_terms", 2) if "act_code" in fields else 1
    fields.setdefault("act_depth", max(rows * group, items * -(-sizes[0] // groups)))
    fields.setdefault("column_depth", columns)
    fields.setdefault("bias_depth", len(sizes) * rows * group)
    fields.setdefault("entry_depth", 2 * (-(-max(sum(sizes) * rows, 2) // 2)))
    if fields.get("entry_memory") == "spram":  # every column starts with a whole word
        fields["entry_depth"] += 2 * columns
    return EngineConfig(**fields)


def random_layer(
    rng: np.random.Generator, config: EngineConfig, mask: np.ndarray, *, shift: int, **fields: Any
) -> Layer:
    """One layer with weights where `mask` (n_in, n_out) is set."""
    n_out, codes = mask.shape[1], np.zeros(mask.shape, dtype=np.int64)
    limit = 1 << (config.weight_width - 1)
    book = rng.integers(-limit, limit, config.codebook_size)
    number = rng.permutation(n_out)
    codes[mask] = rng.integers(0, 1 << config.code_width, int(mask.sum()))
    options: dict[str, Any] = {
        "name": "random",
        "bias": rng.integers(-(1 << 12), 1 << 12, n_out),
        "activation": "relu",
        **fields,
    }
    position = deal(config, number)
    made = {"position": position, "codebook": book, "weight_frac": shift, **options}
    return Layer.of_matrix(codes.T, mask.T, **made)


def random_network(
    rng: np.random.Generator,
    config: EngineConfig,
    sizes: Sequence[int],
    *,
    density: float = 0.3,
    shift: int = 8,
    activations: Sequence[str] | None = None,
) -> Network:
    """A network with layer widths `sizes`, its non-zeros anywhere.

    activations: of each layer; left out, ReLU but for the last layer.
    """
    layers, frac = [], 0
    names = activations or ["relu"] * (len(sizes) - 2) + ["identity"]
    for number, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        made = ACTIVATIONS[names[number]]
        out_frac = frac if made.out_frac is None else made.out_frac
        layers.append(
            random_layer(
                rng,
                config,
                rng.random((n_in, n_out)) < density,
                shift=shift,
                name=f"layer{number}",
                activation=names[number],
                weight_frac=shift + made.sum_frac(out_frac) - frac,
                in_frac=frac,
                out_frac=out_frac,
            )
        )
        frac = out_frac
    return Network(name="random", config=config, layers=tuple(layers))


def random_input(rng: np.random.Generator, network: Network, samples: int = 1) -> np.ndarray:
    """Integer inputs over the whole range, some of them zero, shape (samples, n_in)."""
    limit = 1 << (network.config.act_width - 1)
    x = rng.integers(-limit, limit, (samples, network.n_in))
    x[rng.random(x.shape) < 0.3] = 0
    return x
