"""Activations as powers, from a float model to simulated cycles, commands and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.onnx.save import save_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from elsie.profiling.profile import profile
from golden.arithmetic.powers import split
from golden.arithmetic.run import Runner, predict
from golden.arithmetic.sequences import quantise_input
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network
from golden.kinds import ActCode
from sim.check import simulate

WIDTHS = (12, 14, 10, 5)


def random_model(*, last: str = "identity") -> Model:
    rng = np.random.default_rng(3)
    names = ["relu"] * (len(WIDTHS) - 2) + [last]
    layers = tuple(
        FloatDense(
            name=f"fc{n}",
            weight=rng.normal(size=(WIDTHS[n + 1], WIDTHS[n])) / np.sqrt(WIDTHS[n]),
            bias=0.1 * rng.normal(size=WIDTHS[n + 1]),
            activation=name,
        )
        for n, name in enumerate(names)
    )
    return Model(name="tiny", layers=layers)


def inputs(samples: int = 60) -> np.ndarray:
    return np.random.default_rng(4).normal(size=(samples, WIDTHS[0]))


def compiled(code: str, *, effort: str = "fast", act_width: int = 12) -> Network:
    config = with_weights(EngineConfig(pes=2, group=1), "log")
    config = config.replace(act_code=code, act_width=act_width, acc_width=53)
    options = CompileOptions(effort=effort)
    model, x = random_model(), inputs()
    labels = model.predict(x).argmax(axis=1)
    evaluate = Evaluation(x=x, labels=labels)
    return compile_model(model, x, config=config, options=options, evaluate=evaluate)


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_every_layer_but_the_last_gives_powers(code: str) -> None:
    network, x = compiled(code), inputs()
    run = Runner(network, len(x))
    run.step(quantise_input(network, x))
    levels = {0, *network.config.act_levels}
    for values in run.outputs[:-1]:
        assert set(np.abs(values).ravel().tolist()) <= levels
        assert len(np.unique(values)) > 5
    assert not set(np.abs(run.outputs[-1]).ravel().tolist()) <= levels


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_float_with_powers_is_what_golden_computes(code: str) -> None:
    """The report's stage "quantised" knows which activations are powers, and which are not."""
    network = compiled(code)
    accuracy = network.info.figures["accuracy"]
    assert abs(accuracy["quantised"] - accuracy["golden"]) < 2
    assert accuracy["golden"] > 75


def test_finer_powers_are_nearer_to_the_float_network() -> None:
    model, x = random_model(), inputs(400)
    exact = model.predict(x)
    errors = [
        np.linalg.norm(predict(compiled(code, effort=effort), x) - exact)
        for code, effort in (
            *(("log", "none"), ("log", "fast")),
            *(("log-sqrt2", "fast"), ("linear", "fast")),
        )
    ]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("code", ["log", "log-sqrt2"])
def test_the_engine_computes_it(code: str) -> None:
    network, x = compiled(code), inputs(2)
    result = simulate(network, x)
    assert result.equal
    outputs = [one.outputs for one in result.inferences]
    scaled = np.ldexp(np.concatenate(outputs).astype(float), -network.layers[-1].out_frac)
    assert np.array_equal(scaled.reshape(2, -1), predict(network, x))


def test_a_profile_knows_the_powers() -> None:
    network = compiled("log")
    places = profile(network, inputs(), model=random_model()).places
    grid = network.config.act_levels[-1]
    sums = np.unique(split(np.arange(-2048, 2048), network.config.input_powers).sum(axis=0))
    assert places[0].steps_of == len(sums)
    assert places[0].grid == (-2048 * 2.0 ** -places[0].frac, 2047 * 2.0 ** -places[0].frac)
    for place in places[1:-1]:
        assert place.grid[1] == grid * 2.0**-place.frac
        assert place.steps <= place.steps_of <= 2 * len(network.config.act_levels) + 1
        assert not place.remarks, "the compiler chose these scales"
    assert places[-1].steps_of == 1 << network.config.act_width


@pytest.fixture
def files(tmp_path: Path) -> Path:
    save_onnx(random_model(), tmp_path / "tiny.onnx")
    np.savez(tmp_path / "x.npz", x=inputs(), y=random_model().predict(inputs()).argmax(axis=1))
    return tmp_path


def test_commands(files: Path, capsys: pytest.CaptureFixture) -> None:
    net = str(files / "tiny.elsie")
    options = ["--weights", "log", "--act-code", "log", "--act-width", "8", "--pes", "2"]
    data = str(files / "x.npz")
    model = str(files / "tiny.onnx")
    assert main(["compile", model, "--calibrate", data, *options, "-o", net]) == 0
    assert "8-bit activations sent as powers (log, 4 bits)" in capsys.readouterr().out
    assert elsie.load(net).config.act_code is ActCode.LOG
    assert main(["predict", net, "--input", data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 60
    assert main(["simulate", net, "--input", data, "--limit", "1"]) == 0
    assert main(["profile", net, "--input", data, "--model", model]) == 0
    assert main(["verilog", net, "--testbench", data, "-o", str(files / "verilog")]) == 0


def test_functions_and_cells_are_refused(files: Path, capsys: pytest.CaptureFixture) -> None:
    save_onnx(random_model(last="sigmoid"), files / "s.onnx")
    made = ["compile", str(files / "s.onnx"), "--calibrate", str(files / "x.npz")]
    assert main([*made, "--act-code", "log", "-o", str(files / "s.elsie")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "--act-code must be linear with functions, not log: states, gates and the" in said
    assert not (files / "s.elsie").exists()
    with pytest.raises(ElsieError, match="act_code must be one of linear, log, log-sqrt2"):
        elsie.compile(
            files / "tiny.onnx",
            calibration=files / "x.npz",
            engine=elsie.EngineOptions(act_code="power"),
        )
