"""Networks whose parts do not fit each other are refused, with the layer and the field."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from golden.errors import ElsieError
from golden.format.layer import Layer
from golden.format.network import Network
from tests.networks import random_network, small_config

CONFIG = small_config([5, 4, 3], pes=4, group=2, weight_width=6, row_depth=2, act_depth=4)
GOOD = random_network(np.random.default_rng(1), CONFIG, [5, 4, 3], density=0.8)


def with_first(**changes: Any) -> Network:
    first: Layer = dataclasses.replace(GOOD.layers[0], **changes)
    return dataclasses.replace(GOOD, layers=(first, *GOOD.layers[1:]))


def changed(array: np.ndarray, index: int, value: int) -> np.ndarray:
    copy = array.copy()
    copy[index] = value
    return copy


FIRST = GOOD.layers[0]
ARRAYS: list[tuple[dict[str, Any], str]] = [
    ({"n_in": 0}, "n_in and n_out must be at least 1"),
    ({"n_in": 6}, "indptr must have 7 elements"),
    ({"indptr": changed(FIRST.indptr, 0, 1)}, "indptr must start at 0 and never decrease"),
    ({"indptr": changed(FIRST.indptr, 2, 0)}, "indptr must start at 0 and never decrease"),
    ({"rows": FIRST.rows[:-1]}, f"rows must have {FIRST.nnz} elements"),
    ({"codes": FIRST.codes[:-1]}, f"codes must have {FIRST.nnz} elements"),
    ({"rows": changed(FIRST.rows, 0, -1)}, "a row is out of range"),
    ({"rows": changed(FIRST.rows, 0, 4)}, "a row is out of range"),
    ({"rows": changed(FIRST.rows, 1, FIRST.rows[0])}, "rows must ascend within each column"),
    ({"codes": changed(FIRST.codes, 0, 16)}, "a weight code is out of range"),
    ({"codes": changed(FIRST.codes, 0, -1)}, "a weight code is out of range"),
    ({"codebook": FIRST.codebook[:-1]}, "codebook must have 16 values"),
    ({"codebook": changed(FIRST.codebook, 3, 32)}, "a codebook value does not fit 6 bits"),
    ({"codebook": changed(FIRST.codebook, 3, -33)}, "a codebook value does not fit 6 bits"),
    ({"bias": FIRST.bias[:-1]}, "bias must have 4 elements"),
    ({"activation": "softmax"}, "activation must be one of relu, identity, tanh, sigmoid"),
    ({"activation": "tanh"}, "it has a tanh, but the engine has no functions; set functions, and"),
    ({"shift": -1}, "shift must be 0..39"),
    ({"shift": 40}, "shift must be 0..39"),
    ({"shift": 7}, "shift must be weight_frac + in_frac - out_frac"),
    ({"position": FIRST.position[:-1]}, "position must have 4 elements"),
    ({"position": changed(FIRST.position, 0, FIRST.position[1])}, "two rows share one position"),
    ({"position": changed(FIRST.position, 0, -1)}, "a row's position names a PE that does not"),
    (
        {"position": changed(FIRST.position, 0, 2 * 2 * 2)},
        "it needs 3 rows per PE, but row_depth is 2; use more PEs or a larger row_depth",
    ),
]


@pytest.mark.parametrize(("changes", "text"), ARRAYS)
def test_one_field_that_is_wrong(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ElsieError, match=f"^layer layer0: {re.escape(text)}"):
        with_first(**changes)


def test_a_pe_that_does_not_exist() -> None:
    config = CONFIG.replace(pes=3)
    layer = dataclasses.replace(GOOD.layers[1], n_in=4, position=np.array([0, 1, 2]))
    Network(name="good", config=config, layers=(layer,))
    missing = dataclasses.replace(layer, position=np.array([0, 1, 3]))  # slot 1 of group 1
    with pytest.raises(ElsieError, match="layer layer1: a row's position names a PE that does not"):
        Network(name="bad", config=config, layers=(missing,))


def test_layers_must_fit_each_other() -> None:
    with pytest.raises(ElsieError, match="network none: it has no layers"):
        Network(name="none", config=CONFIG, layers=())
    with pytest.raises(
        ElsieError, match="layer layer0: n_in is 5 but the layer before has 4 outputs"
    ):
        Network(name="bad", config=CONFIG, layers=(FIRST, FIRST))
    second = dataclasses.replace(GOOD.layers[1], in_frac=1, out_frac=1)
    text = "layer layer1: in_frac differs from the layer before's out_frac"
    with pytest.raises(ElsieError, match=text):
        Network(name="bad", config=CONFIG, layers=(FIRST, second))


def test_other_kinds_have_no_codebook() -> None:
    config = small_config([5, 4], mac="log", pes=4, group=2)
    network = random_network(np.random.default_rng(1), config, [5, 4])
    layer = dataclasses.replace(network.layers[0], codebook=np.zeros(16, dtype=np.int64))
    with pytest.raises(ElsieError, match="codebook must have 0 values"):
        Network(name="bad", config=config, layers=(layer,))


FUNCTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("tanh", {"out_frac": 13}, "out_frac must be 14 for tanh"),
    ("sigmoid", {"out_frac": 15}, "out_frac must be 14 for sigmoid"),
    ("tanh", {"shift": 7}, "shift must be weight_frac + in_frac - 12"),
    ("sigmoid", {"shift": 9}, "shift must be weight_frac + in_frac - 11"),
]


@pytest.mark.parametrize(("name", "changes", "text"), FUNCTIONS)
def test_scales_of_functions(name: str, changes: dict[str, Any], text: str) -> None:
    config = small_config([5, 4], act_width=16, functions=True)
    network = random_network(np.random.default_rng(1), config, [5, 4], activations=[name])
    layer = dataclasses.replace(network.layers[0], **changes)
    with pytest.raises(ElsieError, match=f"^layer layer0: {re.escape(text)}"):
        dataclasses.replace(network, layers=(layer,))


def test_views_of_a_layer() -> None:
    assert FIRST.nnz == len(FIRST.rows)
    assert [int(np.sum(FIRST.columns == c)) for c in range(5)] == np.diff(FIRST.indptr).tolist()
    assert np.array_equal(FIRST.weights(CONFIG), FIRST.codebook[FIRST.codes])
    assert (GOOD.n_in, GOOD.n_out) == (5, 3)
