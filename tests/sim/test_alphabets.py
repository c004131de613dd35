"""Every alphabet of the compiler: RTL == golden, from a float network to the whole trace."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.quantise.kinds import with_weights
from elsie.compress.quantise.registry import QUANTISERS
from golden.config import EngineConfig
from golden.format.network import Network
from golden.kinds import MacKind
from sim.check import simulate

WIDTHS = (6, 9, 7, 4)
NEW = [name for name, one in QUANTISERS.items() if one.kind.value != name]
MIXED = "codebook:4,fc1=ttq,fc2=log:3"


def model() -> Model:
    rng = np.random.default_rng(3)
    shapes = zip(WIDTHS[1:], WIDTHS, strict=False)
    layers = tuple(
        FloatDense(
            name=f"fc{nth}",
            weight=rng.normal(size=shape),
            bias=rng.normal(size=shape[0]),
            activation="relu" if nth < 2 else "identity",
        )
        for nth, shape in enumerate(shapes)
    )
    return Model(name="m", layers=layers)


X = np.random.default_rng(4).normal(size=(60, WIDTHS[0]))


def compiled(weights: str, **options: Any) -> Network:
    base = EngineConfig.from_dict({"pes": 2, "group": 2, "act_width": 8, "acc_width": 53})
    return compile_model(
        model(),
        X,
        config=with_weights(base, weights),
        options=CompileOptions(weights=weights, **options),
    )


def check(network: Network, *, fast: bool) -> None:
    result = simulate(network, X[:2], compiled=fast)
    assert result.first_difference() is None
    assert result.equal
    assert any(one.outputs.any() for one in result.inferences)


@pytest.mark.parametrize("weights", [*NEW, "codebook:1", "codebook:8", MIXED])
def test_outputs_and_traces_are_golden(weights: str) -> None:
    """Kinds with an engine of their own are in tests/sim/test_check.py."""
    network = compiled(weights)
    assert network.config.mac is MacKind.CODEBOOK
    check(network, fast=False)


VALUES: dict[str, Callable[[np.ndarray], bool]] = {
    "binary": lambda w: len(w) == 2 and w[0] == -w[1],
    "twn": lambda w: len(w) == 2 and w[0] == -w[1],
    "ttq": lambda w: len(w) == 2 and w[0] < 0 < w[1] and w[0] != -w[1],
    "ternary": lambda w: w.tolist() == [-1, 1],
    "log:3": lambda w: set(np.abs(w).tolist()) <= {1, 2, 4, 8},
    "fixed:3": lambda w: w.min() >= -4 and w.max() <= 3,
    "codebook:2": lambda w: len(w) == 4,
}


@pytest.mark.parametrize("weights", VALUES)
def test_one_layer_of_another_alphabet(weights: str) -> None:
    """Its codes stand for what the alphabet allows; the engine has the first layer's codebook."""
    network = compiled(f"codebook:4,fc1={weights}")
    assert (network.config.mac, network.config.code_width) == (MacKind.CODEBOOK, 4)
    first, middle, last = (np.unique(layer.weights(network.config)) for layer in network.layers)
    assert VALUES[weights](middle)
    assert len(first) > 8
    assert len(last) > 8


@pytest.mark.long
@pytest.mark.parametrize("weights", [MIXED, *NEW])
def test_compiled_is_the_same(weights: str) -> None:
    network = compiled(weights)
    assert network.config.code_width == (4 if weights == MIXED else 1)
    check(network, fast=True)
