"""Makes format.json, the worked example of docs/format.md: python -m docs.vectors.make."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from golden.config import EngineConfig
from golden.format.image import encode
from golden.format.layer import Layer, deal
from golden.format.network import Network

HERE = Path(__file__).parent

CONFIG = EngineConfig(
    pes=3,
    group=2,
    queue_depth=4,
    run_width=2,
    act_width=8,
    weight_width=8,
    acc_width=20,
    entry_depth=32,
    column_depth=24,
    shift_low=4,
    shift_high=7,
    row_depth=4,
    act_depth=8,
    bias_depth=24,
    layers=2,
)

_ENGINES: dict[str, dict[str, Any]] = {
    "block": {},
    "spram": {"entry_memory": "spram"},
    "ternary": {"mac": "ternary", "code_width": 1, "weight_width": 2},
}

# Rows down, inputs across; entries are codebook indices, of which ternary weights have the lowest
# bit; None is a zero.
FIRST = [
    [3, None, None, 1],
    [None, None, None, 2],
    [None, None, None, None],
    [7, None, 15, None],
    [None, None, None, 4],
    [0, None, None, 5],
    [None, None, 9, None],
    [None, None, None, None],
    [None, 12, None, None],
    [None, 6, None, None],  # behind three skipped rows of its PE: takes a padding entry
]
SECOND = [
    [1, None, None, None, None, None, 2, None, None, None],
    [None, 3, None, None, None, 4, None, None, None, 5],
]


def _layer(config: EngineConfig, name: str, codes: list[list[int | None]], **fields: Any) -> Layer:
    """A layer from a table of codes, rows dealt to PEs in turn."""
    table = np.array([[-1 if code is None else code for code in row] for row in codes])
    return Layer.of_matrix(
        table & ((1 << config.code_width) - 1),
        table >= 0,
        name=name,
        codebook=np.arange(-8, 8)[: config.codebook_size] * 5,
        bias=np.arange(len(table)) * 10 - 20,
        weight_frac=4,
        position=deal(config, np.arange(len(table))),
        **fields,
    )


def network(config: EngineConfig) -> Network:
    """The example network for one engine."""
    layers = (
        _layer(config, "first", FIRST, activation="relu", in_frac=3, out_frac=2),
        _layer(config, "second", SECOND, activation="identity", in_frac=2, out_frac=1),
    )
    return Network(name="example", config=config, layers=layers)


def vectors() -> dict[str, Any]:
    """Configuration, matrices and every word of the image, for each engine."""
    images = {name: _words(network(CONFIG.replace(**_ENGINES[name]))) for name in _ENGINES}
    return {"first": FIRST, "second": SECOND, **images}


def _words(example: Network) -> dict[str, Any]:
    """Configuration and words of one image; memories up to the last word in use."""
    image = encode(example)
    entries = -(-image.used["entries"] // image.config.entry_lanes)
    return {
        "config": image.config.to_dict(),
        "entries": image.entry_words[:, :entries].tolist(),
        "columns": [image.column_words(group) for group in range(image.config.groups)],
        "codebook": image.codebook_words.tolist(),
        "program": image.program.tolist(),
    }


if __name__ == "__main__":
    (HERE / "format.json").write_text(json.dumps(vectors()) + "\n")
