"""What is said when compression destroys a network, and what --max-drop refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boards.registry import find
from elsie.compress import inputs, quality
from elsie.compress.compiler import compile_model
from elsie.compress.kinds.step import Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quality import FEWEST, hold_out
from elsie.compress.quantise.kinds import with_weights
from golden.config import EngineConfig
from golden.errors import CheckFailed, ElsieError
from golden.format.network import Network
from tests.elsie.compress.test_inputs import features

BASE = EngineConfig()


@pytest.fixture
def one_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs share one scale, whatever that costs."""
    monkeypatch.setattr(
        inputs, "choose_exponents", lambda model, *_: np.zeros(model.n_in, dtype=np.int64)
    )


@pytest.mark.usefixtures("one_scale")
@pytest.mark.parametrize(("name", "low"), [("wine", 50), ("cancer", 70)])
def test_lost_columns_are_named(name: str, low: float) -> None:
    model, x, y = features(name)
    network = compile_model(
        model, x, config=find("icebreaker").preset.base, evaluate=Evaluation(x=x, labels=y)
    )
    assert network.info.figures["accuracy"]["golden"] < low
    (warning,) = network.info.warnings
    assert "accuracy falls by" in warning
    assert "held-out calibration samples" in warning
    if name == "wine":
        assert "of 13 inputs of layer a no longer vary once quantised" in warning
        assert "use --act-width 16, or normalise them" in warning


def digits_network(digits: Path, x: np.ndarray, **options) -> Network:
    quick = CompileOptions(strategy="lpt", **options)
    return compile_model(load_onnx(digits / "digits.onnx"), x, config=BASE, options=quick)


def calibration(digits: Path) -> np.ndarray:
    with np.load(digits / "calibrate.npz") as file:
        return file["x"]


def test_a_good_network_has_no_warning(digits: Path) -> None:
    info = digits_network(digits, calibration(digits), max_drop=2.0).info
    assert not info.warnings
    assert (info.quality.agreement or 0) > 98
    assert info.quality.samples == 32
    assert info.quality.held_out
    assert 0 < info.quality.relative_error < 0.2


def test_few_samples_are_all_fitted_to_and_quality_is_of_those_not_seen(
    digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = calibration(digits)
    again = digits_network(digits, x, density=0.1)
    assert again.info.quality.refitted
    monkeypatch.setattr(quality, "_PLENTY", 0)
    once = digits_network(digits, x, density=0.1)
    assert once.info.quality == replace(again.info.quality, refitted=False)
    monkeypatch.setattr(quality, "FEWEST", len(x) + 1)  # no sample is held out
    every = digits_network(digits, x, density=0.1)
    assert not every.info.quality.held_out
    for one, other in zip(every.layers, again.layers, strict=True):
        assert np.array_equal(one.codes, other.codes)
    assert any(
        len(one.codes) != len(other.codes) or (one.codes != other.codes).any()
        for one, other in zip(once.layers, again.layers, strict=True)
    )
    plain = digits_network(digits, x, density=0.1, effort="none")
    assert not plain.info.quality.refitted


def test_pruning_too_much_is_named(digits: Path) -> None:
    """Density .15 in one shot costs half of the accuracy."""
    x = calibration(digits)
    info = digits_network(digits, x, density=0.15, effort="none").info
    (warning,) = info.warnings
    assert "layer fc3 is pruned to 15.0 % of its weights; use --effort fast or normal" in warning
    with pytest.raises(CheckFailed, match=r"no labels were given.* --max-drop allows 10; the eng"):
        digits_network(digits, x, density=0.15, effort="none", max_drop=10)
    with np.load(digits / "test.npz") as test:
        data = Evaluation(x=test["x"], labels=test["y"])
    options = CompileOptions(strategy="lpt", density=0.15, effort="none", max_drop=10.0)
    with pytest.raises(CheckFailed, match=r"accuracy falls from 98\.3\d* to 4\d"):
        compile_model(
            load_onnx(digits / "digits.onnx"), x, config=BASE, options=options, evaluate=data
        )


def test_calibration_data_of_another_range(digits: Path) -> None:
    x = calibration(digits)
    with np.load(digits / "test.npz") as test:
        data = Evaluation(x=test["x"], labels=test["y"])
    model = load_onnx(digits / "digits.onnx")
    quick = CompileOptions(strategy="lpt")
    small = compile_model(model, x / 1000, config=BASE, options=quick, evaluate=data)
    assert small.info.figures["accuracy"]["golden"] < 20
    text = " ".join(small.info.warnings)
    assert "of the evaluation inputs are far outside the calibration data's range" in text
    assert "are these data scaled as those that it was trained on?" in text
    zeros = digits_network(digits, 0 * x).info.warnings
    assert any("calibration data are all 0" in warning for warning in zeros)


def regression(rng: np.random.Generator, *, outputs: int = 1) -> tuple[Model, np.ndarray]:
    layers = (
        FloatDense(
            name="a", weight=rng.normal(size=(8, 4)), bias=rng.normal(size=8), activation="relu"
        ),
        FloatDense(
            name="b",
            weight=rng.normal(size=(outputs, 8)) * rng.choice([0.7, 1.45], size=8),
            bias=np.zeros(outputs),
            activation="identity",
        ),
    )
    return Model(name="regression", layers=layers), rng.normal(size=(120, 4))


def test_regression_that_coarse_weights_destroy() -> None:
    """One output has no class: what counts is the error, and R2 where targets are given."""
    model, x = regression(np.random.default_rng(6))
    config = with_weights(BASE, "ternary")
    data = Evaluation(x=x, labels=model.predict(x)[:, 0])
    network = compile_model(model, x, config=config, evaluate=data)
    assert network.info.figures["r2"]["float"] == 1
    assert network.info.figures["r2"]["golden"] < 0.9
    assert network.info.quality.agreement is None
    assert (
        "suffers most from 1-bit ternary weights; use --weights fixed" in (network.info.warnings[0])
    )
    with pytest.raises(CheckFailed, match=r"r2 falls from 1 to .* points, and --max-drop allows 5"):
        compile_model(model, x, config=config, evaluate=data, options=CompileOptions(max_drop=5))
    good = compile_model(model, x, config=with_weights(BASE, "fixed"), evaluate=data)
    assert not good.info.warnings
    assert good.info.figures["r2"]["golden"] > 0.99


@pytest.mark.parametrize("where", ["model", "quantised"])
def test_layers_without_weights(where: str) -> None:
    """They compile, and that they answer the same to everything is said."""
    weight, bias = np.zeros((3, 4)), np.array([1.0, 2.0, 3.0])
    if where == "quantised":  # the bias leaves the weights no fraction bits
        weight, bias = np.full((3, 4), 1e-9), np.array([1e9, 2e9, 3e9])
    layer = FloatDense(name="empty", weight=weight, bias=bias, activation="identity")
    x = np.random.default_rng(7).normal(size=(50, 4))
    network = compile_model(Model(name="m", layers=(layer,)), x, config=BASE)
    assert network.layers[0].nnz == 0
    text = " ".join(network.info.warnings)
    reason = "are 0 in the model already" if where == "model" else "became 0 when they were quant"
    assert f"layer empty: all its weights {reason}" in text
    assert "do not depend on its inputs" in text


def test_the_split_is_seeded_and_small_sets_are_not_split() -> None:
    x = np.arange(2.0 * FEWEST).reshape(FEWEST, 2)
    whole = Signal(values=x, valid=np.ones(FEWEST, dtype=bool), frac=0)
    (given, held), (again, _) = hold_out(whole), hold_out(whole)
    assert np.array_equal(given.valid, again.valid)
    assert len(held.signal.values) == FEWEST // 4
    both = np.concatenate((given.rows, held.signal.values))
    assert np.array_equal(both[both[:, 0].argsort()], x)
    assert given.seen.all()
    few = Signal(values=x[1:], valid=np.ones(FEWEST - 1, dtype=bool), frac=0)
    given, held = hold_out(few)
    assert given is held.signal is few
    assert str(held) == "39 calibration samples"


@pytest.mark.parametrize("most", [-1, 101, "5", float("nan")])
def test_limits_that_are_none(digits: Path, most: object) -> None:
    with pytest.raises(ElsieError, match="max_drop must be percentage points from 0 to 100"):
        digits_network(digits, calibration(digits), max_drop=most)
