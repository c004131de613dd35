"""MNIST's IDX files, the split, and the shape of the network."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.compress.onnx.registry import load_onnx
from elsie.data import load_data
from examples.lenet import data, train
from examples.lenet.idx import TYPES, read_idx
from examples.parts import Part, shifted
from golden.errors import ElsieError


def idx(array: np.ndarray, code: int) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + shape + array.astype(TYPES[code]).tobytes()


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 1, 4), (0, 3)])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_there_and_back(
    code: int, shape: tuple[int, ...], packed: bool, tmp_path: Path
) -> None:
    array = np.random.default_rng(1).integers(0, 100, shape)
    content = idx(array, code)
    (tmp_path / "a").write_bytes(gzip.compress(content, mtime=0) if packed else content)
    found = read_idx(tmp_path / "a")
    assert found.dtype.isnative
    assert found.dtype == np.dtype(TYPES[code]).newbyteorder("=")
    assert np.array_equal(found, array)


def test_the_last_axis_is_fastest_and_numbers_begin_with_the_high_byte(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes.fromhex("00000b02 00000002 00000001 0102 ff00"))
    assert read_idx(tmp_path / "a").tolist() == [[0x102], [-256]]


GOOD = idx(np.arange(6).reshape(2, 3), 8)
PACKED = gzip.compress(GOOD, mtime=0)  # the same in every worker


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it does not begin like an IDX file"),
        (b"\1" + GOOD[1:], "it does not begin like an IDX file"),
        (GOOD[:2] + b"\7" + GOOD[3:], "it does not begin like an IDX file"),
        (GOOD[:7], "it ends within the lengths of its 2 axes"),
        (GOOD[:-1], "an array of shape (2, 3) takes 6 bytes, but it has 5"),
        (GOOD + b"x", "an array of shape (2, 3) takes 6 bytes, but it has 7"),
        (GOOD[:4] + b"\xff" * 8 + GOOD[12:], "takes 18446744065119617025 bytes"),
        (PACKED[:-12] + bytes(4), "gzip stream is damaged"),
        (PACKED + b"x", "gzip stream is damaged: it is cut short, or something"),
        (PACKED[:20], "gzip stream is damaged: it is cut short"),
    ],
)
def test_damaged_idx(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ElsieError) as caught:
        read_idx(tmp_path / "a")
    assert str(caught.value).startswith(f"{tmp_path / 'a'}: ")
    assert text in str(caught.value)


def test_a_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.lenet.idx.FREE", 1000)
    monkeypatch.setattr("golden.reading.FREE", 1000)
    (tmp_path / "a").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(ElsieError, match="its contents would take 0 MiB, but the file has only"):
        read_idx(tmp_path / "a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As MNIST comes, with fewer images, one file gzipped."""
    rng = np.random.default_rng(2)
    for name, count in (("train", 1600), ("t10k", 50)):
        images = rng.integers(0, 256, (count, 28, 28))
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx(images, 8))
        labels = gzip.compress(idx(np.arange(count) % 10, 8))
        (tmp_path / f"{name}-labels-idx1-ubyte.gz").write_bytes(labels)
    return tmp_path


def test_the_parts_of_the_files(folder: Path) -> None:
    parts = data.splits(folder)
    assert {name: len(part.x) for name, part in parts.items()} == {
        **{"train": 100, "calibration": 1000, "validation": 500, "test": 50}
    }
    together = np.concatenate([parts[name].x for name in ("train", "calibration", "validation")])
    assert len(np.unique(together, axis=0)) == 1600, "no sample is in two parts"
    assert together.max() == 1.0
    assert together.min() == 0.0
    assert parts["test"].y.tolist() == [*range(10)] * 5
    again = data.splits(folder)
    assert np.array_equal(parts["train"].x, again["train"].x)


def without(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def replaced(name: str, array: np.ndarray) -> Any:
    return lambda folder: (folder / name).write_bytes(idx(array, 8))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (without("t10k-images-idx3-ubyte"), "neither t10k-images-idx3-ubyte nor t10k-images-idx3"),
        (replaced("train-images-idx3-ubyte", np.zeros((1600, 27, 28))), "MNIST's are 28 x 28"),
        (
            replaced("train-labels-idx1-ubyte", np.zeros(7)),
            "MNIST's are 28 x 28, each with a digit",
        ),
        (replaced("train-labels-idx1-ubyte", np.full(1600, 10)), "each with a digit"),
    ],
)
def test_files_that_are_not_mnist(change: Any, text: str, folder: Path) -> None:
    change(folder)
    with pytest.raises(ElsieError, match=text):
        data.splits(folder)


def test_shifted_copies() -> None:
    image = np.zeros((28, 28), np.float32)
    image[5, 0], image[27, 9] = 0.5, 1.0
    moved = shifted(Part(x=image.reshape(1, -1), y=np.array([3])))
    assert moved.y.tolist() == [3] * 5
    places = [sorted(map(tuple, np.argwhere(one))) for one in moved.x.reshape(5, 28, 28)]
    assert places == [
        [(5, 0), (27, 9)],
        [(6, 0)],
        [(4, 0), (26, 9)],
        [(5, 1), (27, 10)],
        [(27, 8)],
    ]


def test_networks_and_data_are_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "EPOCHS", 1)
    train.make(data.splits(folder), tmp_path / "out", 1)
    model = load_onnx(tmp_path / "out" / "lenet-1.onnx")
    assert [(layer.n_in, layer.n_out) for layer in model.layers] == [
        (784, 300),
        (300, 100),
        (100, 10),
    ]
    assert load_data(tmp_path / "out" / "calibrate.npz", model).y is None
    assert len(load_data(tmp_path / "out" / "train.npz", model).x) == 5 * 600
    assert len(load_data(tmp_path / "out" / "test.npz", model).x) == 50
