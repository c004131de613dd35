"""The CNNs of the examples: their files agree with the README, and lose little in the compiler."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from examples.figures import Figures, files, line, weights

EXAMPLES = Path(__file__).parents[2] / "examples"
NETS = {
    "digits-cnn": "digits",
    "digits-cnn-pruned": "digits",
    "speech-cnn": "speech",
    "speech-cnn-pruned": "speech",
}
"""And the folder of each."""


@cache
def model(name: str) -> Model:
    return load_onnx(EXAMPLES / NETS[name] / f"{name}.onnx")


def percent(network: Model, part: str, folder: str) -> float:
    x, lengths, y = elsie.load_data(EXAMPLES / folder / f"{part}.npz", network)
    assert lengths is None
    assert y is not None
    return 100 * float(np.mean(network.predict(x).argmax(axis=1) == y))


def row(name: str) -> str:
    """The README's row of a file."""
    lines = (EXAMPLES / "README.md").read_text().splitlines()
    (found,) = (line for line in lines if line.startswith(f"| `{name}.onnx`"))
    return found


@pytest.mark.parametrize("name", NETS)
def test_accuracy_and_weights_are_the_readme_s(name: str) -> None:
    network = model(name)
    assert f" {percent(network, 'test', NETS[name]):.2f} %" in row(name)
    stated = re.search(r"([\d,]+) weights", row(name))
    assert stated is not None
    assert weights(network) == int(stated[1].replace(",", ""))


@pytest.mark.parametrize("name", NETS)
def test_files_are_small_and_name_no_folder(name: str) -> None:
    content = (EXAMPLES / NETS[name] / f"{name}.onnx").read_bytes()
    assert len(content) < 100_000
    assert b".py" not in content


def test_a_compiled_cnn_is_as_good_as_the_float_one() -> None:
    """Eight-bit weights and activations; the integers' classes beside the float network's."""
    network = elsie.compile(
        EXAMPLES / "digits" / "digits-cnn-pruned.onnx",
        calibration=EXAMPLES / "digits" / "calibrate.npz",
        weights="fixed:8",
        engine=elsie.EngineOptions(pes=4),
    )
    x, _, _ = elsie.load_data(EXAMPLES / "digits" / "test.npz", network)
    golden = elsie.predict(network, x).classes
    real = model("digits-cnn-pruned").predict(x).argmax(axis=1)
    assert np.mean(golden == real) >= 0.99


def test_networks_of_several_seeds(tmp_path: Path) -> None:
    names = ("a-1", "a-2", "a-1-pruned", "a-x", "a", "ab-1", "a-pruned", "a-cnn-1")
    for name in names:
        (tmp_path / f"{name}.onnx").touch()
    assert [file.stem for file in files("a", tmp_path)] == ["a-1", "a-2"]
    assert [file.stem for file in files("a-pruned", tmp_path)] == ["a-1-pruned"]
    every = [
        Figures(float_percent=p, golden_percent=p - 1, weights=10, kbits=1.25, cycles=c)
        for p, c in ((98, 800), (99, 2400))
    ]
    assert line("a", every[:1]) == "| a | 98.00 | 97.00 | 10 | 1.2 | 800 | 10.0 |"
    assert line("a", every) == (
        "| a | 98.50 (0.71) | 97.50 (0.71) | 10 (0) | 1.2 (0.0) | 1,600 (1131) | 20.0 |"
    )
