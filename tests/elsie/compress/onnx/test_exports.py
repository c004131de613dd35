"""What PyTorch's exporters, scikit-learn and onnxruntime write, and compute (exports/make.py)."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

FOLDER = Path(__file__).parent / "exports"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
STEPS = {"dynamic": 0.02, "learn-mlp-": 0.004}
"""Beyond rounding: by how much an answer may differ, by a part of the name. Dynamic models round
each batch to steps of its own, which Elsie leaves out; and a softmax is rounded to 1/256 behind
what Elsie computes."""
LARGEST = 6000
"""Bytes of a file."""


def test_all_files_are_used() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in FOLDER.glob("*.onnx"))
    assert max(path.stat().st_size for path in FOLDER.glob("*.onnx")) < LARGEST


@pytest.mark.parametrize("name", EXPECTED)
def test_export(name: str) -> None:
    model = load_onnx(FOLDER / f"{name}.onnx")
    x, y = (np.array(EXPECTED[name][part]) for part in "xy")
    got = model.predict(x)
    if any("oftmax" in note for note in model.notes):
        got = np.exp(got) / np.exp(got).sum(axis=1, keepdims=True)
    if any("the sigmoid of" in note for note in model.notes):
        got = 1 / (1 + np.exp(-got))
    if any("(Div)" in note or "LpNorm" in note for note in model.notes):
        got = got / got.sum(axis=1, keepdims=True)
    assert got.shape == y.shape
    rounded = [step for part, step in STEPS.items() if part in name and "runtime" in name]
    assert np.abs(got - y).max() < max(3e-6 * max(1.0, np.abs(y).max()), *rounded, 0)


def test_a_relu_that_only_a_zero_point_says_is_one() -> None:
    """onnxruntime leaves a Relu out in front of a QuantizeLinear that has no values below 0."""
    for name in ("torch-plain-old", "torch-relu6-old", "torch-norm-new"):
        path = FOLDER / f"runtime-{name}-qdq.onnx"
        assert not {"Relu", "Clip"} & {node.op_type for node in onnx.load(path).graph.node}
        relu = [layer for layer in load_onnx(path).layers if isinstance(layer, FloatDense)]
        assert [layer.activation for layer in relu][-2:] == ["relu", "identity"]


def test_branches_are_rows_of_one_layer() -> None:
    """One classifier for each class, of one network each."""
    model = load_onnx(FOLDER / "learn-ovr-mlp.onnx")
    assert [(layer.n_in, layer.n_out) for layer in model.layers] == [(5, 12), (12, 3)]
    notes = [note for note in model.notes if "belongs to a branch" in note]
    assert len(notes) == 4


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
