"""Biases of fully connected layers have no more bits than the weights deserve."""

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from golden.config import EngineConfig


@pytest.mark.parametrize(
    ("mac", "widths", "act_width", "activation", "bits"),
    [
        ("codebook", {"code_width": 4}, 16, "relu", 7),
        ("codebook", {"code_width": 4}, 16, "tanh", 7),
        ("codebook", {"code_width": 2}, 16, "relu", 5),
        ("log", {"code_width": 4}, 16, "sigmoid", 7),
        ("fixed", {"code_width": 12, "weight_width": 12}, 16, "identity", 15),
        ("codebook", {"code_width": 4}, 8, "relu", 7),
        ("fixed", {"code_width": 12, "weight_width": 12}, 8, "relu", 8),
    ],
)
def test_steps(
    mac: str, widths: dict[str, int], act_width: int, activation: str, bits: int
) -> None:
    """`bits` of the sums' range, half of their last bit at the finest."""
    rng = np.random.default_rng(1)
    layer = FloatDense(
        name="a", weight=rng.normal(size=(30, 9)), bias=rng.normal(size=30), activation=activation
    )
    config = EngineConfig(
        **{"pes": 2, "group": 1, "act_width": act_width, "mac": mac, "acc_width": 53, **widths},
        functions=activation in ("tanh", "sigmoid"),
    )
    network = compile_model(
        Model(name="m", layers=(layer,)),
        rng.normal(size=(50, 9)),
        config=config,
        options=CompileOptions(effort="none"),
    )
    (made,) = network.layers
    # An integer sum s stands for s >> shift in act_width bits, half of which are negative.
    step = 1 << max(0, made.shift + act_width - 1 - bits)
    assert not (made.bias % step).any()
    assert (made.bias % (2 * step)).any()
    exact = layer.bias * 2.0 ** (made.weight_frac + made.in_frac)
    assert np.abs(made.bias - exact).max() <= step / 2
