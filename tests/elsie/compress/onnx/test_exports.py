"""What PyTorch's two exporters and scikit-learn write (exports/make.py), and what they computed."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

FOLDER = Path(__file__).parent / "exports"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
REFUSED = {
    # Three layers side by side, each with a sigmoid.
    "learn-logistic-ovr": "is one of several classifiers side by side",
    "learn-logistic-ovr-zipmap": "is one of several classifiers side by side",
    # skl2onnx itself gives (2 samples, 1) for (samples, 2).
    "learn-mlp-two-values": r"has shape \[-1, 1\], which mixes samples, steps and features",
}


def test_all_files_are_used() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in FOLDER.glob("*.onnx"))
    assert max(path.stat().st_size for path in FOLDER.glob("*.onnx")) < 5000


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in REFUSED])
def test_export(name: str) -> None:
    model = load_onnx(FOLDER / f"{name}.onnx")
    x, y = (np.array(EXPECTED[name][part]) for part in "xy")
    got = model.predict(x)
    if any("oftmax" in note for note in model.notes):
        got = np.exp(got) / np.exp(got).sum(axis=1, keepdims=True)
    assert got.shape == y.shape
    assert np.abs(got - y).max() < 3e-6 * max(1.0, np.abs(y).max())


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(ElsieError, match=REFUSED[name]):
        load_onnx(FOLDER / f"{name}.onnx")


def test_output_is_chosen() -> None:
    path = FOLDER / "learn-mlp.onnx"
    assert [value.name for value in onnx.load(path).graph.output] == ["label", "probabilities"]
    model = load_onnx(path)
    assert model.notes[0] == "of the outputs label, probabilities, probabilities is used"
    assert load_onnx(path, "probabilities").n_out == 3
    with pytest.raises(ElsieError, match=r"looks labels up.* with --output NAME"):
        load_onnx(path, "label")
    with pytest.raises(ElsieError, match="no output 'y'; its outputs are label, probabilities"):
        load_onnx(path, "y")


def test_no_file_names_a_machine() -> None:
    for path in FOLDER.glob("*.onnx"):
        assert b"/home" not in path.read_bytes()
        assert b"site-packages" not in path.read_bytes()
        assert b"/work" not in path.read_bytes()
