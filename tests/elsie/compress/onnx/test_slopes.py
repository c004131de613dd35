"""Functions with a slope on each side of 0, which two Relus compute."""

from pathlib import Path

import numpy as np
import pytest

from elsie.compiling import compile
from elsie.compress.model.dense import FloatDense
from golden.arithmetic.run import predict
from golden.errors import ElsieError
from tests.elsie.compress.onnx.test_affine import SHARED, V, W, check, node

SLOPES = {
    **SHARED,
    "same": np.float32(0.25),
    "each": np.array([0.3, 0.0, -0.5, 2.0], dtype=np.float32),
    "none": np.zeros(4, dtype=np.float32),
    "ones": np.ones(4, dtype=np.float32),
    "flat": np.array([0, -1], dtype=np.int64),
    "order": np.array([2, 0, 3, 1], dtype=np.int64),
}
LEAKY = node("LeakyRelu", ["a"], ["r"], name="leaky", alpha=0.1)
CASES = {
    "leaky": ([W, LEAKY, V], [8, 3]),
    "the usual slope": ([W, node("LeakyRelu", ["a"], ["r"]), V], [8, 3]),
    "one slope": ([W, node("PRelu", ["a", "same"], ["r"]), V], [8, 3]),
    "a slope for each": ([W, node("PRelu", ["a", "each"], ["r"]), V], [7, 3]),
    "slopes of 0": ([W, node("PRelu", ["a", "none"], ["r"]), V], [4, 3]),
    "slopes of 1": ([W, node("PRelu", ["a", "ones"], ["r"]), V], [4, 3]),
    "absolute": ([W, node("Abs", ["a"], ["r"]), V], [8, 3]),
    "hard sigmoid": ([W, node("HardSigmoid", ["a"], ["r"]), V], [4, 4, 3]),
    "at the end": ([W, node("LeakyRelu", ["a"], ["y"])], [8, 4]),
    "of the input": ([node("LeakyRelu", ["x"], ["r"]), V], [8, 3]),
    "twice": ([W, node("LeakyRelu", ["a"], ["b"]), node("Abs", ["b"], ["r"]), V], [8, 8, 3]),
    "scaled, then a function": (
        [W, LEAKY, node("Mul", ["r", "scale"], ["s"]), node("Tanh", ["s"], ["y"])],
        [8, 4],
    ),
    "normalised on both sides": (
        [
            W,
            node("BatchNormalization", ["a", "scale", "shift", "mean", "var"], ["n"]),
            node("LeakyRelu", ["n"], ["l"]),
            node("BatchNormalization", ["l", "scale", "shift", "mean", "var"], ["r"]),
            V,
        ],
        [8, 3],
    ),
    "moved": (
        [
            W,
            LEAKY,
            node("Gather", ["r", "order"], ["p"], axis=1),
            node("MatMul", ["p", "v"], ["y"]),
        ],
        [8, 3],
    ),
    "taken twice": (
        [W, LEAKY, node("Concat", ["r", "r"], ["c"], axis=1), node("Relu", ["c"], ["y"])],
        [8, 8],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(tmp_path: Path, name: str) -> None:
    nodes, widths = CASES[name]
    model = check(nodes, SLOPES, 4, tmp_path)
    assert [layer.n_out for layer in model.layers] == widths


def test_neither_side_has_weights_that_few_bits_would_lose(tmp_path: Path) -> None:
    layers = check([W, node("LeakyRelu", ["a"], ["r"], alpha=0.01), V], SLOPES, 4, tmp_path).layers
    first, second = (layer.weight for layer in layers if isinstance(layer, FloatDense))
    np.testing.assert_allclose(first[4:], -0.1 * first[:4])
    np.testing.assert_allclose(second[:, 4:], -0.1 * second[:, :4])


def test_the_note_says_what_it_costs(tmp_path: Path) -> None:
    assert check([W, LEAKY, V], SLOPES, 4, tmp_path).notes == (
        "node leaky (LeakyRelu) is computed by Relus: its layer has 8 rows for 4 values",
    )


def test_slopes_that_are_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ElsieError, match=r"node p \(PRelu\) needs a constant slope"):
        check([W, node("PRelu", ["a", "x"], ["y"], name="p")], SLOPES, 4, tmp_path)


def test_the_engine_follows(tmp_path: Path) -> None:
    """Golden against float, where half of all values are below 0."""
    random = np.random.default_rng(7)  # of its own: which tests ran before must not count
    constants = {
        "w": random.normal(size=(20, 30)).astype(np.float32),
        "v": random.normal(size=(30, 5)).astype(np.float32),
    }
    model = check([W, LEAKY, V], constants, 20, tmp_path)
    x = random.normal(size=(300, 20))
    network = compile(tmp_path / "net.onnx", calibration=x, weights="fixed")
    exact, found = model.predict(x), predict(network, x)
    assert np.abs(found - exact).max() < 0.02 * np.abs(exact).max()
    without = np.maximum(x @ constants["w"], 0) @ constants["v"]
    assert np.abs(without - exact).max() > 0.05 * np.abs(exact).max()
