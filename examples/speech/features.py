"""MFCC features by kaldi-native-fbank, normalised with constants from the training voices."""

from collections.abc import Sequence
from dataclasses import dataclass

import kaldi_native_fbank as kaldi  # pyright: ignore[reportMissingImports]
import numpy as np
from numpy.typing import NDArray

N_COEFFICIENTS = 13
WINDOW_MS, HOP_MS = 32, 16
N_BANDS, LOW_HZ, HIGH_HZ = 23, 80, 7600
GRID = 128
"""Features are whole multiples of 1 / GRID: float16 then holds them exactly below 16."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Words: x float32 (words, steps, features), zero after its length; lengths, y int64 (words,)."""

    x: NDArray[np.float32]
    lengths: NDArray[np.int64]
    y: NDArray[np.int64]


def mfcc(sound: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Cepstral coefficients (steps, 13) of a sound in -1..1."""
    options = kaldi.MfccOptions()
    options.num_ceps = N_COEFFICIENTS
    options.use_energy = False
    options.mel_opts.num_bins = N_BANDS
    options.mel_opts.low_freq = LOW_HZ
    options.mel_opts.high_freq = HIGH_HZ
    options.frame_opts.samp_freq = rate
    options.frame_opts.frame_length_ms = WINDOW_MS
    options.frame_opts.frame_shift_ms = HOP_MS
    options.frame_opts.dither = 0.0
    frames = kaldi.OnlineMfcc(options)
    frames.accept_waveform(rate, sound.astype(np.float32).tolist())
    frames.input_finished()
    return np.stack([frames.get_frame(step) for step in range(frames.num_frames_ready)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Norm:
    """Mean and deviation of each coefficient."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, features: Sequence[NDArray]) -> "Norm":
        """Over all steps of all words."""
        steps = np.concatenate(features)
        return cls(mean=steps.mean(axis=0), deviation=steps.std(axis=0))

    def __call__(self, features: NDArray) -> NDArray[np.float32]:
        """Mean 0 and deviation 1, on the grid."""
        scaled = (features - self.mean) / self.deviation
        return (np.rint(scaled * GRID) / GRID).astype(np.float32)


def pad(features: Sequence[NDArray[np.float32]], digits: Sequence[int]) -> Part:
    """Words of different lengths as one part."""
    lengths = np.array([len(word) for word in features], dtype=np.int64)
    x = np.zeros((len(features), lengths.max(), N_COEFFICIENTS), dtype=np.float32)
    for number, word in enumerate(features):
        x[number, : len(word)] = word
    return Part(x=x, lengths=lengths, y=np.array(digits, dtype=np.int64))
