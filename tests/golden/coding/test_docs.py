"""The reader and the example of docs/format.md are right."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.coding import layers
from golden.config import EngineConfig
from golden.format.layer import Layer, locate, place
from tests.cells import cell_config, cell_layer
from tests.networks import random_layer, small_config

TEXT = (Path(__file__).parents[3] / "docs" / "format.md").read_text().partition("### Coded arr")[2]


@pytest.fixture(scope="module")
def read_layer() -> Callable[..., Any]:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["read_layer"]


def plain(layer: Layer) -> dict[str, list[int]]:
    return {name: getattr(layer, name).reshape(-1).tolist() for name in layers.ARRAYS}


PES = 2
CONFIG = small_config([3, 4], pes=PES, group=1)


def placed(config: EngineConfig, arrays: dict[str, list[int]]) -> dict[str, list[int]]:
    """With `pe` instead of positions, where rows are in order."""
    pe, _ = locate(config, np.array(arrays["position"]))
    if place(config, pe).tolist() != arrays["position"]:
        return arrays
    return {name: value for name, value in arrays.items() if name != "position"} | {
        "pe": pe.tolist()
    }


def test_the_example(read_layer: Callable[..., Any]) -> None:
    _, shown, _ = re.split(r"```\n?", TEXT.partition("An example")[2])
    lines, data = shown.rstrip().split("\n\n")
    expected = {name: [*map(int, values)] for name, *values in map(str.split, lines.split("\n"))}
    blob = bytes.fromhex(data)
    assert blob[0] == layers.RANGE
    assert read_layer(blob[1:], 4, 3, 4, PES) == placed(CONFIG, expected)
    shape = layers.Shape(height=4, width=3, outputs=4, config=CONFIG, size=len(blob))
    found = layers.decode(blob, shape)
    assert {name: values.reshape(-1).tolist() for name, values in found.items()} == expected
    scalars: dict[str, Any] = {"name": "x", "n_in": 3, "n_out": 4, "activation": "identity"}
    scalars |= dict.fromkeys(("shift", "weight_frac", "in_frac", "out_frac"), 0)
    layer = Layer(**{**scalars, **found})
    assert layers.encode(layer, CONFIG) == blob


@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("mac", ["codebook", "fixed", "ternary"])
def test_random_layers(read_layer: Callable[..., Any], mac: str, density: float) -> None:
    rng = np.random.default_rng(5)
    chosen = rng.random((40, 30)) < density
    config, with_cells = small_config([40, 30], mac=mac), cell_config(mac=mac)
    dense = random_layer(rng, config, chosen, shift=4)
    lstm = cell_layer(rng, with_cells, "lstm", 12, 10, density=density, peepholes=mac != "ternary")
    pe, _ = locate(config, dense.position)
    ordered = dataclasses.replace(dense, position=place(config, pe))
    for engine, layer in ((config, dense), (with_cells, lstm), (config, ordered)):
        blob = layers._ranged(layer, engine)
        found = read_layer(blob, layer.n_rows, layer.n_columns, layer.n_out, engine.pes)
        assert found == placed(engine, plain(layer))
