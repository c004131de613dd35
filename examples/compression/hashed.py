"""Hashed sharing beside a codebook, on held-out digits: python -m examples.compression.hashed.

Chen et al., Compressing Neural Networks with the Hashing Trick, ICML 2015: which weights share a
value, and with which sign, is drawn once for each place, and values are trained from a random
start. Each layer has as many values as its codebook. docs/decisions.md has the figures.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elsie.bench.compression.recipes import trained
from elsie.compress.model.layer import Reals
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.train.alphabets import Training
from examples.compression.choices import BUILD
from examples.compression.held_out import held_out
from examples.compression.recipes import ENGINE

SEED = 2015


class Hashed(Training):
    """Half of the codes are values, the other half the same with the other sign."""

    def __init__(self, matrix: Reals, grid: Reals, bits: int) -> None:
        """Draw codes, signs and values of the layer's mean magnitude."""
        random = np.random.default_rng(SEED)
        count = 1 << (bits - 1)
        self._codes: NDArray[np.int64] = random.integers(count, size=matrix.shape)
        self._signs = random.choice([-1.0, 1.0], size=matrix.shape)
        size = np.sqrt(np.mean(matrix**2))
        matrix[:] = self._signs * random.normal(0.0, size, count)[self._codes]

    def shown(self, matrix: Reals) -> Reals:
        """Themselves: weights of a code are equal, and stay so."""
        return matrix

    def shared(self, gradient: Reals) -> Reals:
        """Of a code the mean."""
        flat = self._codes.reshape(-1)
        total = np.bincount(flat, (self._signs * gradient).reshape(-1))
        return self._signs * (total / np.maximum(np.bincount(flat), 1))[self._codes]

    def after(self, matrix: Reals, step: int, steps: int) -> bool:
        """Nothing is due."""
        return False


def main() -> None:
    """Train, compile and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", metavar="N", type=int, default=3, help="default: 3")
    parser.add_argument("--build", metavar="DIR", type=Path, default=BUILD)
    options = parser.parse_args()
    kinds = {**QUANTISERS, "hashed": replace(QUANTISERS["codebook"], training=Hashed)}
    QUANTISERS.update(kinds)  # pyright: ignore[reportAttributeAccessIssue]
    for alphabet in ("codebook:4", "hashed:4", "hashed:8"):
        recipe, lost = trained(alphabet, 1.0, steps=12_000, base=ENGINE), []
        for case in held_out("digits", options.build, options.networks):
            figures = recipe.make(case)[0].info.figures["accuracy"]
            lost.append(figures["float"] - figures["golden"])
        print(f"{alphabet}: {np.mean(lost):.2f} +- {np.std(lost):.2f} points lost", flush=True)


if __name__ == "__main__":
    main()
