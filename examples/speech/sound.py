"""Ten spoken digits by a speech synthesiser, split by voice, with noise, gain and time shift.

Nobody speaks here: espeak-ng (Debian's package of that name) makes all sound. Its variants
are a formant synthesiser with other settings, so accuracy on held-out variants says nothing about
people.
`python -m examples.speech.sound FOLDER` writes the test part as WAV files, to listen to.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

SEED = 2017
RATE = 22050
"""Samples a second, as espeak-ng gives them."""
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = (
    "en-gb",
    "en-us",
    "en-gb-scotland",
    "en-gb-x-gbclan",
    "en-gb-x-rp",
    "en-gb-x-gbcwmd",
    "en-029",
    "en-us-nyc",
)
"""All parts share the accents; only the voices are kept apart."""
VOICES = {
    "test": "david Mike m3 Jacky aunty f4 linda f1 norbert Andrea m1 m2 m6 marcelo Diogo Henrique "
    "Hugo michel Alex john",
    "calibration": "anika steph steph2 ed m5 shelby",
    "validation": "f2 f5 Nguyen m7 Mario zac Alicia belinda Denis Gene",
    "train": "m8 max grandpa RicishayMax RicishayMax2 Michael gustave f3 iven iven2 iven3 iven4 "
    "boris klatt3 klatt4 announcer m4 Marco quincy victor paul Andy AnxiousAndy adam klatt klatt2 "
    "grandma Mr_serious antonio pedro Lee Annie travis rob robert",
}
"""espeak-ng's variants, dealt at random once, all that sound alike (by the mean and deviation of
their MFCC) to one part. Exact copies (caleb, klatt6), whispers, robots and sound effects are left
out; pablo, sandro, benjamin, edward and edward2 are left over."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Size of a part: accents of each voice, words of each accent and digit."""

    accents: int
    words: int


PLANS = {
    "test": Plan(accents=2, words=1),
    "calibration": Plan(accents=1, words=1),
    "validation": Plan(accents=4, words=1),
    "train": Plan(accents=8, words=2),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Word:
    """A spoken digit: sound in -1..1, float64 (samples,) at `RATE`."""

    digit: int
    voice: str
    sound: NDArray[np.float64]


def words(part: str) -> Iterator[Word]:
    """The clean words of a part, each at a speed and a pitch of its own."""
    plan = PLANS[part]
    random = np.random.default_rng([SEED, *part.encode()])
    with tempfile.TemporaryDirectory() as folder:
        for voice in VOICES[part].split():
            for accent in random.permutation(ACCENTS)[: plan.accents]:
                for digit in range(10):
                    for _ in range(plan.words):
                        sound = speak(
                            WORDS[digit],
                            voice=f"{accent}+{voice.replace('_', ' ')}",
                            speed=int(random.integers(120, 201)),
                            pitch=int(random.integers(30, 71)),
                            file=Path(folder) / "word.wav",
                        )
                        yield Word(digit=digit, voice=f"{accent}+{voice}", sound=sound)


def speak(word: str, *, voice: str, speed: int, pitch: int, file: Path) -> NDArray[np.float64]:
    """A word by espeak-ng without silence around it; speed in words a minute, pitch 0..99."""
    command = ["espeak-ng", "-z", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(file)]
    try:
        subprocess.run([*command, word], check=True)
    except FileNotFoundError:
        raise SystemExit("espeak-ng is missing: install Debian's package espeak-ng") from None
    rate, samples = wavfile.read(file)
    if rate != RATE:
        raise SystemExit(f"{voice}: {rate} samples a second where {RATE} were expected")
    sound = samples / 32768
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def roughen(sound: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """A copy 0 to 100 ms later, 0 to 12 dB softer, in noise 8 to 30 dB below it.

    The noise is white, or falls by 3 dB an octave (pink) for one half of the words.
    """
    before, after = (int(RATE * random.uniform(0.0, most)) for most in (0.1, 0.05))
    padded = np.pad(sound, (before, after))
    spectrum = np.fft.rfft(random.normal(size=len(padded)))
    if random.random() < 0.5:
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, len(padded))
    noise *= np.sqrt(np.mean(sound**2) / np.mean(noise**2)) * 10 ** (-random.uniform(8, 30) / 20)
    mixed = padded + noise
    return mixed / np.abs(mixed).max() * 10 ** (-random.uniform(0, 12) / 20)


def main() -> None:
    """Write the test part as WAV files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    random = rough_random("test")
    for number, word in enumerate(words("test")):
        sound = roughen(word.sound, random)
        name = f"{number:03}-{word.digit}-{word.voice}.wav"
        wavfile.write(folder / name, RATE, (32767 * sound).astype(np.int16))


def rough_random(part: str) -> np.random.Generator:
    """The generator that roughens a part."""
    return np.random.default_rng([SEED, 1, *part.encode()])


if __name__ == "__main__":
    main()
