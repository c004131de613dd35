"""Bits and error of candidates before they are compiled.

One network of each kind of weights is compiled at the same densities. It says what the kind takes
beside its entries (pointers, biases, codebooks), and how much more error it has than the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elsie.compress.model.model import Model
from elsie.compress.search.allocate import Entry, Path, Share
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
    bits: float
    """On chip."""
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
        errors = {n: net.info["quality"]["relative_error"] ** 2 for n, net in references.items()}
        self._scale = min(errors.values()) / pruned if pruned else 1.0
        self._extra = {name: error - min(errors.values()) for name, error in errors.items()}
        self._fixed = {
            name: net.info["size_bits"]["stored"]
            - min(
                sum(entry.bits(curve, at[curve.name]) for curve in curves)
                for entry in _entries(engines[name].config)
            )
            for name, net in references.items()
        }

    @property
    def weights(self) -> list[str]:
        """All that there are."""
        return list(self._paths)

    def within(self, weights: str, bits: float) -> Guess:
        """The best network of at most so many bits, or the smallest or largest there is."""
        entries = bits - self._fixed[weights]
        shares = [path.at(entries) for path in self._paths[weights]]
        best = min(shares, key=lambda share: (share.bits > entries, share.error, share.bits))
        if all(share.bits > entries for share in shares):
            best = min(shares, key=lambda share: share.bits)
        return self._guess(weights, best)

    def reaching(self, weights: str, error: float) -> Guess:
        """The smallest network of at most this error, or the largest there is."""
        low, high = self.within(weights, 0.0), self.within(weights, np.inf)
        if low.error <= error or high.error > error:
            return low if low.error <= error else high
        for _ in range(40):
            middle = self.within(weights, (low.bits + high.bits) / 2)
            if middle.error <= error:
                high = middle
            else:
                low = middle
            if high.bits - low.bits < 1:
                break
        return high

    def cheapest(self, error: float) -> list[Guess]:
        """Networks of at most this error, the smallest first; of all weights that reach it."""
        found = [self.reaching(name, error) for name in self.weights]
        return sorted((g for g in found if g.error <= error), key=lambda guess: guess.bits)

    def correct(self, guess: Guess, bits: float) -> None:
        """Learn what a guess really takes."""
        self._fixed[guess.candidate.weights] += bits - guess.bits

    def _guess(self, weights: str, share: Share) -> Guess:
        densities = dict(share.densities)
        for curve in self._curves:  # all of a layer's own weights are 1, whatever its gates have
            if densities[curve.name] > 0.999999 * curve.densities[0]:
                densities[curve.name] = 1.0
        for name in self._engines[weights].frozen:
            densities.pop(name, None)
        return Guess(
            candidate=Candidate(weights=weights, densities=densities),
            bits=share.bits + self._fixed[weights],
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
