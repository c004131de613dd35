"""The committed files of the spoken digits agree with each other and with the README's table."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from examples.speech.sound import VOICES

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEECH = EXAMPLES / "speech"
PARTS = {"test": 400, "validate": 400, "calibrate": 60}
NETS = {"speech": 4, "speech-pruned": 4, "speech-gru": 3, "speech-gru-pruned": 3}
"""And their gates."""
HIDDEN, FEATURES, N_PES = 64, 13, 16
STEPS = 64
"""Of all words, with the zeros behind them."""


@cache
def part(name: str) -> dict[str, NDArray]:
    with np.load(SPEECH / f"{name}.npz") as file:
        return dict(file)


def run(name: str, x: NDArray) -> NDArray:
    """Scores of words of one length."""
    outputs = ReferenceEvaluator(model(name)).run(None, {"x": x.astype(np.float32)})
    assert isinstance(outputs, list)
    return outputs[0]


@cache
def model(name: str) -> ModelProto:
    return onnx.load(SPEECH / f"{name}.onnx")


def weights(name: str) -> tuple[NDArray, NDArray, NDArray]:
    """Input and recurrent gate matrices (gates x 64, columns), and the head's (10, 64)."""
    tensors = [numpy_helper.to_array(tensor) for tensor in model(name).graph.initializer]
    rows = NETS[name] * HIDDEN
    (w,) = (tensor[0] for tensor in tensors if tensor.shape == (1, rows, FEATURES))
    (r,) = (tensor for tensor in tensors if tensor.shape == (rows, HIDDEN))
    (head,) = (tensor for tensor in tensors if tensor.shape == (10, HIDDEN))
    return w, r, head


def row(name: str) -> str:
    """The README's row of a file."""
    lines = (EXAMPLES / "README.md").read_text().splitlines()
    (found,) = (line for line in lines if line.startswith(f"| `{name}.onnx`"))
    return found


@pytest.mark.parametrize("name", PARTS)
def test_part(name: str) -> None:
    x, lengths, y = (part(name)[key] for key in ("x", "lengths", "y"))
    assert x.dtype == np.float16
    assert lengths.dtype == y.dtype == np.int64
    assert x.shape == (PARTS[name], STEPS, FEATURES)
    assert lengths.max() <= STEPS
    assert lengths.shape == y.shape == (PARTS[name],)
    assert (np.bincount(y) == PARTS[name] // 10).all()
    valid = np.arange(x.shape[1]) < lengths[:, None]
    assert (x[~valid] == 0).all()
    assert x[valid].any(axis=1).all(), "a step inside a word is all zero"
    # Constants of the training voices: near 0 and 1 for voices of the same kind, not equal.
    steps = x[valid].astype(np.float64)
    assert np.abs(steps.mean(axis=0)).max() < 0.5
    assert ((steps.std(axis=0) > 0.6) & (steps.std(axis=0) < 1.5)).all()


def test_parts_share_no_voice() -> None:
    dealt = [voice for voices in VOICES.values() for voice in voices.split()]
    assert len(set(dealt)) == len(dealt) == 71


def test_parts_share_no_word() -> None:
    seen = [sample.tobytes() for name in PARTS for sample in part(name)["x"][:, :20]]
    assert len(set(seen)) == len(seen) == sum(PARTS.values())


@pytest.mark.parametrize("name", NETS)
def test_accuracy_is_the_readme_s(name: str) -> None:
    test = part("test")
    right = 0
    for length in np.unique(test["lengths"]):
        chosen = test["lengths"] == length
        scores = run(name, test["x"][chosen, :length])
        right += int((scores.argmax(axis=1) == test["y"][chosen]).sum())
    assert f" {100 * right / len(test['y']):.2f} %" in row(name)


@pytest.mark.parametrize("name", NETS)
def test_non_zeros_are_the_readme_s(name: str) -> None:
    counts = [np.count_nonzero(matrix) for matrix in weights(name)]
    stated = re.search(r"non-zeros ([\d,]+) \+ ([\d,]+) \+ ([\d,]+)", row(name))
    assert stated is not None
    assert counts == [int(number.replace(",", "")) for number in stated.groups()]


@pytest.mark.parametrize("name", [name for name in NETS if name.endswith("pruned")])
def test_pruned_gates_are_balanced(name: str) -> None:
    for matrix in weights(name)[:2]:
        gates = matrix.reshape(NETS[name], HIDDEN // N_PES, N_PES, -1)
        per_element = np.count_nonzero(gates, axis=(1, 3))
        assert (per_element == per_element[0, 0]).all()
        assert 0 < per_element[0, 0] < 0.5 * gates[0, :, 0].size


@pytest.mark.parametrize("name", NETS)
def test_graph_takes_the_last_step(name: str) -> None:
    x = part("test")["x"][:3]
    y = run(name, x[:, :10])
    assert y.shape == (3, 10)
    assert not np.array_equal(run(name, x[:, :9]), y)
    assert not np.array_equal(run(name, x[:, 1:10]), y)


@pytest.mark.parametrize("name", NETS)
def test_no_file_beside_and_no_folder_inside(name: str) -> None:
    assert not list(SPEECH.glob("*.data"))
    assert b".py" not in (SPEECH / f"{name}.onnx").read_bytes()
    assert not any(tensor.external_data for tensor in model(name).graph.initializer)


def test_files_are_small() -> None:
    sizes = [path.stat().st_size for path in SPEECH.iterdir() if path.suffix in (".npz", ".onnx")]
    assert max(sizes) < 300_000
    assert sum(sizes) < 1_100_000
