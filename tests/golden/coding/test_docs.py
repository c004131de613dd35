"""The reader and the example of docs/format.md are right."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.coding import layers
from golden.format.layer import Layer
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


def test_the_example(read_layer: Callable[..., Any]) -> None:
    _, shown, _ = re.split(r"```\n?", TEXT.partition("An example")[2])
    lines, data = shown.rstrip().split("\n\n")
    expected = {name: [*map(int, values)] for name, *values in map(str.split, lines.split("\n"))}
    blob = bytes.fromhex(data)
    assert blob[0] == layers.RANGE
    assert read_layer(blob[1:], 4, 3) == expected
    found = layers.decode(blob, height=4, width=3, size=len(blob))
    assert {name: values.reshape(-1).tolist() for name, values in found.items()} == expected
    scalars: dict[str, Any] = {"name": "x", "n_in": 3, "n_out": 4, "activation": "identity"}
    scalars |= dict.fromkeys(("shift", "weight_frac", "in_frac", "out_frac"), 0)
    layer = Layer(**{**scalars, **found})
    assert layers.encode(layer) == blob


@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("mac", ["codebook", "fixed", "ternary"])
def test_random_layers(read_layer: Callable[..., Any], mac: str, density: float) -> None:
    rng = np.random.default_rng(5)
    chosen = rng.random((40, 30)) < density
    dense = random_layer(rng, small_config([40, 30], mac=mac), chosen, shift=4)
    lstm = cell_layer(
        rng, cell_config(mac=mac), "lstm", 12, 10, density=density, peepholes=mac != "ternary"
    )
    for layer in (dense, lstm):
        found = read_layer(layers._ranged(layer), layer.n_rows, layer.n_columns)
        assert found == plain(layer)
