"""The compiler works on what structure leaves, and reports on what was given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network
from golden.report import Left, Structure

ENGINE = EngineConfig(act_width=16, acc_width=53)


def compiled(folder: Path, **options: Any) -> Network:
    test = np.load(folder / "test.npz")
    return compile_model(
        load_onnx(folder / "digits.onnx"),
        np.load(folder / "calibrate.npz")["x"],
        config=ENGINE,
        options=CompileOptions(strategy="lpt", **options),
        evaluate=Evaluation(x=test["x"], labels=test["y"]),
    )


def test_half_of_the_neurons(digits: Path) -> None:
    whole, half = compiled(digits, density=0.3), compiled(digits, neurons=0.5, density=0.3)
    assert [layer.n_out for layer in half.layers] == [64, 32, 10]
    assert half.info.structure == Structure(
        neurons={"fc1": Left(given=128, left=64), "fc2": Left(given=64, left=32)},
        rank={},
        weights=Left(given=17024, left=6464),
    )
    assert whole.info.structure is None
    # Sizes and accuracies are beside the network as given; densities count what is left.
    assert half.info.size_bits.dense == whole.info.size_bits.dense
    assert half.info.figures["accuracy"]["float"] == whole.info.figures["accuracy"]["float"]
    assert half.info.layers[1].density == pytest.approx(0.3, abs=0.01)
    assert half.info.figures["accuracy"]["golden"] > 96
    assert (half.info.quality.agreement or 0) > 90
    assert half.info.quality.relative_error > 0.05


def test_factors_have_densities_by_name(digits: Path) -> None:
    network = compiled(digits, rank=16, density={"fc1.down": 0.5}, effort="none")
    names = [layer.name for layer in network.layers]
    assert names == ["fc1.down", "fc1.up", "fc2.down", "fc2.up", "fc3"]
    assert [layer.n_out for layer in network.layers] == [16, 123, 16, 61, 10]
    density = [layer.density for layer in network.info.layers]
    assert density[0] == 0.5
    assert min(density[1:]) > 0.9
    structure = network.info.structure
    assert structure is not None
    assert structure.rank == {"fc1": 16, "fc2": 16}
    assert structure.neurons["fc1"] == Left(given=128, left=123)
    with pytest.raises(ElsieError, match=r"names layer 'fc1', but .* has fc1\.down, fc1\.up, fc2"):
        compiled(digits, rank={"fc1": 16}, density={"fc1": 0.5})


def test_useless_neurons_alone(digits: Path) -> None:
    """Nothing is lost: the network's own weights, in fewer places."""
    network = compiled(digits, neurons=1, effort="none")
    plain = compiled(digits, effort="none")
    assert [layer.n_out for layer in network.layers] == [123, 61, 10]
    x = np.load(digits / "calibrate.npz")["x"]
    assert np.abs(predict(network, x) - predict(plain, x)).max() < 0.25
    assert network.info.size_bits.stored < plain.info.size_bits.stored


def test_the_whole_network_teaches_what_is_left(digits: Path) -> None:
    error = [
        compiled(digits, neurons=0.2, effort=effort).info.quality.relative_error
        for effort in ("fast", "normal")
    ]
    assert error[1] < 0.9 * error[0]


def test_too_few_neurons_are_blamed(digits: Path) -> None:
    network = compiled(digits, neurons=0.03, effort="none")
    (warning,) = network.info.warnings
    assert "its layers are too small for it; use --effort fast or normal or best" in warning
