"""scikit-learn's hand-written digits, split once and for all."""

import numpy as np

from examples.parts import Part
from golden.errors import ElsieError

SEED = 2016


def splits() -> dict[str, Part]:
    """Disjoint and stratified: train 1109 samples, validation 200, calibration 128, test 360.

    Raises ElsieError without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]
        from sklearn.model_selection import (  # pyright: ignore[reportMissingImports]
            train_test_split,
        )
    except ImportError:
        raise ElsieError(
            "the digits come with scikit-learn: pip install 'elsie-fpga[digits]'"
        ) from None
    x, y = load_digits(return_X_y=True)
    rest = Part(x=(np.asarray(x) / 16).astype(np.float32), y=np.asarray(y).astype(np.int64))
    parts: dict[str, Part] = {}
    for name, size in (("test", 360), ("calibration", 128), ("validation", 200)):
        others, chosen = train_test_split(
            np.arange(len(rest.y)), test_size=size, stratify=rest.y, random_state=SEED
        )
        parts[name], rest = rest.take(np.asarray(chosen)), rest.take(np.asarray(others))
    return {"train": rest, **parts}
