"""MFCC features by kaldi-native-fbank, normalised with constants from the training voices.

`python -m examples.speech.features WORD.wav OUT.npz` makes the recogniser's input of a sound file.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import kaldi_native_fbank as kaldi  # pyright: ignore[reportMissingImports]
import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from examples.speech.sound import RATE

N_COEFFICIENTS = 13
WINDOW_MS, HOP_MS = 32, 16
N_BANDS, LOW_HZ, HIGH_HZ = 23, 80, 7600
STEPS = 64
"""Of a word with the zeros behind it, in the committed files; enough for all but some of training,
which are played slowly."""
GRID = 128
"""Features are whole multiples of 1 / GRID: float16 then holds them exactly below 16."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Words: x (words, steps, features), zero after each length; lengths and y (words,)."""

    x: NDArray[np.float32]
    lengths: NDArray[np.int64]
    y: NDArray[np.int64]


def mfcc(sound: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
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

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, features: Sequence[NDArray[np.float32]]) -> "Norm":
        """Over all steps of all words."""
        steps = np.concatenate(features)
        return cls(mean=steps.mean(axis=0), deviation=steps.std(axis=0))

    @classmethod
    def load(cls) -> "Norm":
        """The constants that the committed networks were trained with."""
        constants = json.loads((Path(__file__).parent / "features.json").read_text())
        return cls(**{name: np.array(values, np.float32) for name, values in constants.items()})

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
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


def main() -> None:
    """One sound file to one sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sound", type=Path, help="a WAV file, one channel, 16 bits, 16 kHz or more")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    rate, samples = wavfile.read(arguments.sound)
    if samples.dtype != np.int16 or samples.ndim != 1 or rate < 2 * HIGH_HZ:
        raise SystemExit(f"{arguments.sound}: one channel of 16 bits at 16 kHz or more is needed")
    sound = resample_poly(samples / 32768, RATE, rate)
    x = Norm.load()(mfcc(sound, RATE))
    np.savez(arguments.out, x=x[None], lengths=np.array([len(x)], dtype=np.int64))


if __name__ == "__main__":
    main()
