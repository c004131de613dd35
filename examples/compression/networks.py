"""The networks that the table is about, trained where they are not in the repository."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from elsie.bench.compression.measure import load_case
from elsie.bench.compression.recipes import Case
from examples.digits import train as digits
from examples.digits.data import splits
from examples.lenet import train as lenet
from examples.lenet.data import splits as lenet_splits
from examples.parts import joined, shifted

ROOT = Path(__file__).parents[1]
SETS = ("digits", "digits-pruned", "lenet", "speech")


def cases(name: str, build: Path, count: int, *, labels: bool = True) -> list[Case]:
    """At most `count` networks of one shape and different seeds; what is missing is trained.

    Without `labels` there is no data to train with, and one network of digits needs no extra.

    digits: the example and networks of other seeds. digits-pruned: the example that was pruned in
    training. lenet: LeNet-300-100 on the MNIST subset. speech: the LSTM.
    """
    if name == "lenet":
        return _lenet(build / "lenet", count)
    folder = ROOT / name.partition("-")[0]
    models = [folder / f"{name}.onnx"]
    lesson = None
    if name == "digits" and (labels or count > 1):
        lesson = _digits(build / "digits", count - 1)
        models += [build / "digits" / f"digits-{seed}.onnx" for seed in range(1, count)]
    found = [
        load_case(
            path, calibrate=folder / "calibrate.npz", test=folder / "test.npz", lesson=lesson,
            keep=build / "trained",
        )
        for path in models
    ]  # fmt: skip
    return found[:count]


def _digits(folder: Path, more: int) -> Path:
    """Other seeds' networks, and the data for training."""
    parts = splits()
    whole = shifted(joined(parts["train"], parts["validation"]))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "train.npz"
    if not path.exists():
        np.savez(path, x=whole.x, y=whole.y)
    for seed in range(1, more + 1):
        if not (folder / f"digits-{seed}.onnx").exists():
            digits.save_dense(folder / f"digits-{seed}.onnx", whole, seed)
    return path


def _lenet(folder: Path, count: int) -> list[Case]:
    names = ["train.npz", "calibrate.npz", "test.npz"]
    models = [folder / f"lenet-{seed}.onnx" for seed in range(1, count + 1)]
    if not all(path.exists() for path in [*models, *(folder / name for name in names)]):
        lenet.make(lenet_splits(), folder, count)
    lesson, calibrate, test = (folder / name for name in names)
    return [
        replace(
            load_case(path, calibrate=calibrate, test=test, lesson=lesson),
            keep=folder.parent / "trained",
        )
        for path in models
    ]
