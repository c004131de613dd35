"""Raw features of different ranges are used as they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boards.registry import find
from elsie.compress import inputs
from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.grid import Grid
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from golden.arithmetic.run import predict
from golden.arithmetic.sequences import quantise_input
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import netfile
from golden.kinds import LayerKind

BOARD = find("icebreaker").preset.base


def features(name: str) -> tuple[Model, np.ndarray, np.ndarray]:
    """A network on raw features (make_features.py), with inputs and labels."""
    with np.load(Path(__file__).with_name("features.npz")) as file:
        data = {key: file[f"{name}.{key}"] for key in ("w0", "b0", "w1", "b1", "x", "y")}
    real = {key: value.astype(float) for key, value in data.items()}
    layers = (
        FloatDense(name="a", weight=real["w0"], bias=real["b0"], activation="relu"),
        FloatDense(name="b", weight=real["w1"], bias=real["b1"], activation="identity"),
    )
    return Model(name=name, layers=layers), real["x"], data["y"].astype(np.int64)


@pytest.mark.parametrize("weights", ["codebook", "fixed"])
@pytest.mark.parametrize("name", ["wine", "cancer"])
def test_raw_features_work(name: str, weights: str, tmp_path: Path) -> None:
    """Eight bits and one scale leave 40 and 63 percent: test_quality.py has what is said then."""
    model, x, y = features(name)
    network = compile_model(
        model, x, config=with_weights(BOARD, weights), evaluate=Evaluation(x=x, labels=y)
    )
    accuracy = network.info.figures["accuracy"]
    assert accuracy["float"] > 98
    assert accuracy["golden"] >= accuracy["float"] - 3
    assert network.info.warnings == ()
    assert len(set(network.input_frac)) > 5
    # What is stored is what was measured: raw inputs, by the network as it is read again.
    netfile.save(network, tmp_path / "n")
    again = netfile.load(tmp_path / "n")
    assert again.input_frac == network.input_frac
    golden = 100 * np.mean(predict(again, x).argmax(axis=1) == y)
    assert golden == pytest.approx(accuracy["golden"], abs=1e-3)


def test_every_input_has_its_position() -> None:
    model, x, _ = features("wine")
    network = compile_model(model, x, config=BOARD)
    for column, frac in enumerate(network.input_frac):
        real = 3.3 * 2.0**-frac
        given = np.zeros((1, network.n_in))
        given[0, column] = real
        assert quantise_input(network, given)[0, column] == 3
    used = np.abs(quantise_input(network, x)).max(axis=0)
    assert used.min() >= 31  # no column of a seven-bit range is left with few steps
    assert network.positions["in_frac"] == list(network.input_frac)


def test_a_model_with_a_grid_of_inputs_keeps_one_scale() -> None:
    """Its grid has one step, and would be in other units than the inputs."""
    model, x, _ = features("wine")
    step = float(np.abs(x).max()) / 2**20
    grid = Grid(step=step, low=-(2**20), high=2**20)
    gridded = compile_model(replace(model, grids={0: (grid,)}), x, config=BOARD)
    assert gridded.input_frac == ()
    assert compile_model(model, x, config=BOARD).input_frac


def test_scaling_changes_no_float_output() -> None:
    model, x, _ = features("cancer")
    exponents = np.arange(model.n_in) % 7
    scaled = inputs.scale_model(model, exponents)
    assert np.array_equal(scaled.predict(inputs.scale_inputs(x, exponents)), model.predict(x))


def test_inputs_of_one_range_keep_one_scale(digits: Path, random_model) -> None:
    """Rarely used pixels are small in the calibration data, but no other unit."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 12)) * (rng.random((200, 12)) < np.linspace(0.02, 1, 12))
    network = compile_model(random_model(12, 9, 4), x, config=BOARD)
    assert network.input_frac == ()
    assert network.positions["in_frac"] == network.layers[0].in_frac


def cells() -> tuple[Model, np.ndarray]:
    """An LSTM on three features, of which one counts in thousands."""
    rng = np.random.default_rng(4)
    scale = np.array([1000.0, 0.01, 1.0])
    lstm = FloatCells(
        name="lstm",
        kind=LayerKind.LSTM,
        weight=rng.normal(size=(4, 5, 3)) / scale,
        recurrent=0.4 * rng.normal(size=(4, 5, 5)),
        bias=0.2 * rng.normal(size=(4, 5)),
    )
    head = FloatDense(
        name="head", weight=rng.normal(size=(3, 5)), bias=np.zeros(3), activation="identity"
    )
    model = Model(name="cells", layers=(lstm, head), head=1)
    return model, rng.normal(size=(60, 6, 3)) * scale


def test_cells_take_raw_features_too() -> None:
    model, x = cells()
    config = EngineConfig(mac="fixed", code_width=12, weight_width=12, acc_width=53)  # pyright: ignore[reportArgumentType]
    network = compile_model(model, x, config=config)
    assert network.input_frac
    got, expected = predict(network, x), model.predict(x)
    assert np.abs(got - expected).max() < 0.03
    assert network.info.quality.relative_error < 0.03
    # Thresholds of delta mode are in units of one scale.
    with pytest.raises(ElsieError, match="normalise the inputs to about 1"):
        compile_model(model, x, config=config, options=CompileOptions(delta=(0.1, 0.05)))
