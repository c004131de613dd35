"""Bits and error of candidates before they are compiled.

One network of each kind of weights is compiled at the same densities. It says what the kind takes
beside its entries (pointers, biases, codebooks), and how much more error it has than the best.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elsie.compress.model.model import Model
from elsie.compress.search.allocate import Entry, Path
from elsie.compress.search.sensitivity import RATIO, Curve, own_density
from elsie.compress.search.trial import Candidate
from elsie.compress.search.weights import Engine
from golden.config import EngineConfig
from golden.format.network import Network
from golden.kinds import EntryMemory

REFERENCE = RATIO**3
"""Share of a layer's own density at which the kinds are compared."""
_SPRAM_ENTRY = 8
_RUNS = range(2, 8)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A candidate that has not been compiled."""

    candidate: Candidate
    """What it is made of."""
    entries: float
    """Bits of its entries."""
    bits: float
    """On chip, with everything."""
    error: float
    """Squared relative error of the outputs."""


class Predictor:
    """Guesses for every kind of weights."""

    def __init__(
        self,
        curves: Sequence[Curve],
        engines: Mapping[str, Engine],
        references: Mapping[str, Network],
    ) -> None:
        """`references`, by weights, are compiled at REFERENCE."""
        self._curves = curves
        self._engines = engines
        self._paths = {name: _paths(curves, engines[name]) for name in references}
        at = {curve.name: REFERENCE * float(curve.densities[0]) for curve in curves}
        pruned = sum(curve.error(at[curve.name]) for curve in curves)
        errors = {n: net.info.quality.relative_error**2 for n, net in references.items()}
        self._scale = min(errors.values()) / pruned if pruned else 1.0
        self._extra = {name: error - min(errors.values()) for name, error in errors.items()}
        # What a kind takes beside the entries that are guessed, by these.
        self._missed: dict[str, dict[float, float]] = {}
        for name, net in references.items():
            guesses = _entries(engines[name].config)
            least = min(sum(e.bits(curve, at[curve.name]) for curve in curves) for e in guesses)
            self._missed[name] = {least: net.info.size_bits.stored - least}

    @property
    def weights(self) -> list[str]:
        """All that there are."""
        return list(self._paths)

    def within(self, weights: str, bits: float) -> Guess:
        """The best network of at most so many bits, or the smallest or largest there is."""
        return self._last(weights, lambda guess: guess.bits <= bits)[0]

    def reaching(self, weights: str, error: float) -> Guess:
        """The smallest network of at most this error, or the largest there is."""
        return self._last(weights, lambda guess: guess.error > error)[1]

    def _last(self, weights: str, small: Callable[[Guess], bool]) -> tuple[Guess, Guess]:
        """The largest that is `small`, as all smaller ones are, and the smallest that is not.

        Twice the smallest there is, or the largest, where that cannot be.
        """
        paths = self._paths[weights]
        low, high = min(path.least for path in paths), max(path.most for path in paths)
        first, last = self._guess(weights, low), self._guess(weights, high)
        if not small(first):
            return first, first
        if small(last):
            return last, last
        while high - low > 1:
            middle = (low + high) / 2
            guess = self._guess(weights, middle)
            if small(guess):
                low, first = middle, guess
            else:
                high, last = middle, guess
        return first, last

    def cheapest(self, error: float) -> list[Guess]:
        """Networks of at most this error, the smallest first; of all weights that reach it."""
        found = [self.reaching(name, error) for name in self.weights]
        return sorted((g for g in found if g.error <= error), key=lambda guess: guess.bits)

    def correct(self, guess: Guess, bits: float) -> None:
        """Learn what a guess really takes; those between two such are corrected by both."""
        missed = self._missed[guess.candidate.weights]
        missed[guess.entries] = bits - guess.entries

    def _guess(self, weights: str, entries: float) -> Guess:
        """With at most so many bits for entries."""
        shares = [path.at(entries) for path in self._paths[weights]]
        room = [share for share in shares if share.bits < 1.001 * entries]
        share = min(room, key=lambda share: (round(share.error, 9), share.bits))
        densities = dict(share.densities)
        for curve in self._curves:  # all of a layer's own weights are 1, whatever its gates have
            if densities[curve.name] > 0.999999 * curve.densities[0]:
                densities[curve.name] = 1.0
        for name in self._engines[weights].frozen:
            densities.pop(name, None)
        known = sorted(self._missed[weights].items())
        beside = np.interp(share.bits, [at for at, _ in known], [bits for _, bits in known])
        return Guess(
            candidate=Candidate(weights=weights, densities=densities),
            entries=share.bits,
            bits=share.bits + float(beside),
            error=self._extra[weights] + self._scale * share.error,
        )


def reference_densities(model: Model) -> dict[str, float]:
    """Of each layer, where kinds of weights are compared."""
    return {layer.name: REFERENCE * own_density(layer) for layer in model.layers}


def _paths(curves: Sequence[Curve], engine: Engine) -> list[Path]:
    return [Path(curves, entry, engine.frozen) for entry in _entries(engine.config)]


def _entries(config: EngineConfig) -> list[Entry]:
    """With every run width; in SPRAM an entry has 8 bits."""
    if config.entry_memory is EntryMemory.SPRAM:
        run = _SPRAM_ENTRY - config.code_width
        return [Entry(code=config.code_width, run=run, pes=config.pes)]
    return [Entry(code=config.code_width, run=run, pes=config.pes) for run in _RUNS]
