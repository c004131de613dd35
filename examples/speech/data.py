"""The four parts of the spoken digits as features: no voice is in two of them."""

import numpy as np
from numpy.typing import NDArray

from examples.speech.features import Norm, Part, mfcc, pad
from examples.speech.sound import PLANS, RATE, rough_random, roughen, words

COPIES = 8
"""Of every training word, each with noise, gain and shift of its own."""
SPEEDS = (0.75, 1.3)
"""A training copy is played so many times as fast, which moves formants and pitch too: it
stands for voices that espeak-ng does not have. Chosen on the validation part."""


def parts() -> tuple[dict[str, Part], Norm]:
    """Train, validation, calibration and test, and the constants they are normalised with."""
    raw = {part: _raw(part) for part in PLANS}
    norm = Norm.of([features for features, _ in raw["train"]])
    made = {}
    for part, pairs in raw.items():
        made[part] = pad([norm(features) for features, _ in pairs], [digit for _, digit in pairs])
    return made, norm


def _raw(part: str) -> list[tuple[NDArray[np.float32], int]]:
    """Coefficients and digit of every word, roughened."""
    random = rough_random(part)
    spoken = list(words(part))
    pairs = []
    for _ in range(COPIES if part == "train" else 1):
        for word in spoken:
            speed = random.uniform(*SPEEDS) if part == "train" else 1.0
            sound = roughen(word.sound, random)
            pairs.append((mfcc(sound, round(RATE * speed)), word.digit))
    return pairs
