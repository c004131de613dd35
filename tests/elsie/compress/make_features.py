"""Makes features.npz: networks on raw features, as scikit-learn's users train them.

`python -m tests.elsie.compress.make_features` needs the digits extra. The scaler is folded into the
first layer, so that the networks take the data as they are.
"""

from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("features.npz")
SAMPLES = 178


def _network(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Weights and biases of two layers, for raw inputs."""
    from sklearn.neural_network import MLPClassifier  # pyright: ignore[reportMissingImports]
    from sklearn.preprocessing import StandardScaler  # pyright: ignore[reportMissingImports]

    scaler = StandardScaler().fit(x)
    mean: Any = scaler.mean_
    model = MLPClassifier((16,), max_iter=2000, random_state=0).fit(scaler.transform(x), y)
    (first, second), (bias, out) = model.coefs_, model.intercepts_
    first = first / np.asarray(scaler.scale_)[:, None]
    if second.shape[1] == 1:  # a logistic output as two that are compared
        second, out = np.hstack((-second, second)) / 2, np.concatenate((-out, out)) / 2
    return {"w0": first.T, "b0": bias - mean @ first, "w1": second.T, "b1": out}


def main() -> None:
    """Train and write."""
    from sklearn.datasets import load_breast_cancer, load_wine  # pyright: ignore[reportMissingImports]

    arrays = {}
    for name, load in (("wine", load_wine), ("cancer", load_breast_cancer)):
        data: Any = load()
        chosen = np.random.default_rng(0).permutation(len(data.data))[:SAMPLES]
        made = {**_network(data.data, data.target), "x": data.data[chosen]}
        made = {key: value.astype(np.float32) for key, value in made.items()}
        made["y"] = data.target[chosen].astype(np.int8)
        arrays |= {f"{name}.{key}": value for key, value in made.items()}
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
