"""`elsie train`: from files to a file."""

import json
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError
from tests.elsie.compress.train.test_trainer import X, Y, matrices, teacher
from tests.elsie.compress.train.test_trainer import config as engine


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """dense.onnx and train.npz in a folder."""
    elsie.Trained(model=teacher(), scores={}).save(tmp_path / "dense.onnx")
    np.savez(tmp_path / "train.npz", x=X, y=Y)
    return tmp_path


def test_command(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = f"train {files}/dense.onnx --data {files}/train.npz --density .25 --weights log"
    more = f"--epochs 20 --evaluate {files}/train.npz --json -o {files}/small.onnx"
    assert main([*command.split(), *more.split()]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["accuracy"]["before"] == 100
    assert values["accuracy"]["after"] > 80
    small = load_onnx(files / "small.onnx")
    kept = [np.count_nonzero(matrix) for matrix in matrices(small)]
    assert sum(kept) == pytest.approx(0.25 * 340, abs=1)
    assert [layer["density"] for layer in values["layers"]] == [kept[0] / 240, kept[1] / 100]
    # The same from Python, byte for byte, and the compiler keeps the file's weights.
    again = elsie.train(
        files / "dense.onnx",
        data=(X, Y),
        density=0.25,
        weights="log",
        epochs=20,
    )
    first = (files / "small.onnx").read_bytes()
    again.save(files / "small.onnx")
    assert (files / "small.onnx").read_bytes() == first
    network = elsie.compile(files / "small.onnx", calibration=X[:50], weights="log")
    for layer, matrix in zip(network.layers, matrices(small), strict=True):
        weight = np.ldexp(layer.weights(engine("log")), -layer.weight_frac)
        assert np.array_equal(matrix[layer.rows, layer.columns], weight)


def test_refusals(files: Path) -> None:
    given = {"model": files / "dense.onnx", "data": files / "train.npz"}
    np.savez(files / "inputs.npz", x=X)
    for wrong, said in (
        ({"distil": 2.0}, "distil must be a share from 0 to 1"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"density": 1.5}, "density must be above 0"),
        ({"weights": "roman"}, "no kind of weights 'roman'"),
        ({"code_width": 3}, "code_width needs a kind of weights"),
        ({"data": (X,)}, "data must be inputs and labels"),
        ({"data": (X, Y, Y)}, "it has no LSTM or GRU layers; leave out lengths"),
        ({"data": (X, Y + 1)}, "classes 0..4"),
        ({"evaluate": (X[:, :5], Y)}, "12"),
        ({"evaluate": files / "inputs.npz", "epochs": 1}, "evaluate has no labels"),
    ):
        with pytest.raises(ElsieError, match=said):
            elsie.train(**{**given, **wrong})  # pyright: ignore[reportArgumentType]


def test_nothing_is_written_where_training_fails(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = f"train {files}/dense.onnx --data {files}/train.npz --density 7 -o {files}/s.onnx"
    assert main(command.split()) == 2
    assert "density must be above 0" in capsys.readouterr().err
    assert not (files / "s.onnx").exists()
