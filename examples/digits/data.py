"""scikit-learn's hand-written digits, split once and for all."""

import numpy as np
from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]
from sklearn.model_selection import train_test_split  # pyright: ignore[reportMissingImports]

from examples.digits.mlp import Part

SEED = 2016


def splits() -> dict[str, Part]:
    """Disjoint and stratified: train 1109 samples, validation 200, calibration 128, test 360."""
    x, y = load_digits(return_X_y=True)
    rest = Part(x=(np.asarray(x) / 16).astype(np.float32), y=np.asarray(y).astype(np.int64))
    parts: dict[str, Part] = {}
    for name, size in (("test", 360), ("calibration", 128), ("validation", 200)):
        others, chosen = train_test_split(
            np.arange(len(rest.y)), test_size=size, stratify=rest.y, random_state=SEED
        )
        parts[name] = Part(x=rest.x[chosen], y=rest.y[chosen])
        rest = Part(x=rest.x[others], y=rest.y[others])
    return {"train": rest, **parts}


def shifted(part: Part) -> Part:
    """The part and its copies moved by one pixel in each of the four directions."""
    images = part.x.reshape(-1, 8, 8)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moves = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    copies = [padded[:, down : down + 8, right : right + 8] for down, right in moves]
    return Part(x=np.concatenate(copies).reshape(-1, 64), y=np.tile(part.y, len(moves)))
