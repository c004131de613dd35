"""Bits and error of candidates before they are compiled.

One network of each shape, that is kind of weights and structure, is compiled at the same densities.
It says what the shape takes beside its entries (pointers, biases, codebooks), and how much more
error it has than pruning explains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elsie.compress.model.model import Model
from elsie.compress.search.allocate import Entry, Path
from elsie.compress.search.sensitivity import RATIO, Curve, own_density
from elsie.compress.search.structures import Structure
from elsie.compress.search.trial import Candidate, Shape
from elsie.compress.search.weights import Engine
from golden.config import EngineConfig
from golden.format.network import Network
from golden.kinds import EntryMemory

REFERENCE = RATIO**3
"""Share of a layer's own density at which the kinds are compared."""
_TYPICAL = 0.1
"""Relative error at which shapes are compared where nothing limits their bits."""
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
    """Guesses for every shape."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        """`engines` by weights; `add` says what there is to guess from."""
        self._engines = engines
        self._curves: dict[Shape, Sequence[Curve]] = {}
        self._structures: dict[Shape, Structure] = {}
        self._paths: dict[Shape, list[Path]] = {}
        self._scale: float | None = None
        self._extra: dict[Shape, float] = {}
        # What a shape takes beside the entries that are guessed, by these.
        self._missed: dict[Shape, dict[float, float]] = {}

    def add(
        self, structure: Structure, curves: Sequence[Curve], references: Mapping[str, Network]
    ) -> None:
        """A structure. `references`, by weights, are compiled at REFERENCE.

        Of the first structure, the best kind's error is that of pruning, as the curves have it.
        """
        at = {curve.name: REFERENCE * float(curve.densities[0]) for curve in curves}
        pruned = sum(curve.error(at[curve.name]) for curve in curves)
        errors = {n: net.info.quality.relative_error**2 for n, net in references.items()}
        first = min(errors.values()) / pruned if pruned else 1.0
        scale = self._scale = first if self._scale is None else self._scale
        for name, net in references.items():
            shape, engine = Shape(name, str(structure)), self._engines[name]
            self._curves[shape], self._structures[shape] = curves, structure
            self._paths[shape] = _paths(curves, engine)
            self._extra[shape] = max(0.0, errors[name] - scale * pruned)
            guesses = _entries(engine.config)
            least = min(sum(e.bits(curve, at[curve.name]) for curve in curves) for e in guesses)
            self._missed[shape] = {least: net.info.size_bits.stored - least}

    @property
    def shapes(self) -> list[Shape]:
        """All that there are."""
        return list(self._paths)

    def within(self, shape: Shape, bits: float) -> Guess:
        """The best network of at most so many bits, or the smallest or largest there is."""
        return self._last(shape, lambda guess: guess.bits <= bits)[0]

    def reaching(self, shape: Shape, error: float) -> Guess:
        """The smallest network of at most this error, or the largest there is."""
        return self._last(shape, lambda guess: guess.error > error)[1]

    def _last(self, shape: Shape, small: Callable[[Guess], bool]) -> tuple[Guess, Guess]:
        """The largest that is `small`, as all smaller ones are, and the smallest that is not.

        Twice the smallest there is, or the largest, where that cannot be.
        """
        paths = self._paths[shape]
        low, high = min(path.least for path in paths), max(path.most for path in paths)
        first, last = self._guess(shape, low), self._guess(shape, high)
        if not small(first):
            return first, first
        if small(last):
            return last, last
        while high - low > 1:
            middle = (low + high) / 2
            guess = self._guess(shape, middle)
            if small(guess):
                low, first = middle, guess
            else:
                high, last = middle, guess
        return first, last

    def cheapest(self, error: float) -> list[Guess]:
        """Networks of at most this error, the smallest first; of all shapes that reach it."""
        found = [self.reaching(shape, error) for shape in self.shapes]
        return sorted((g for g in found if g.error <= error), key=lambda guess: guess.bits)

    def promising(self, caps: Mapping[Shape, float]) -> list[Shape]:
        """Shapes by their error within so many bits each; without a limit, by bits at one error."""

        def worth(shape: Shape) -> tuple[bool, float]:
            if caps[shape] == float("inf"):
                return False, self.reaching(shape, _TYPICAL**2).bits
            guess = self.within(shape, caps[shape])
            return guess.bits > caps[shape], guess.error

        return sorted(caps, key=worth)

    def correct(self, guess: Guess, bits: float) -> None:
        """Learn what a guess really takes; those between two such are corrected by both."""
        missed = self._missed[guess.candidate.shape]
        missed[guess.entries] = bits - guess.entries

    def _guess(self, shape: Shape, entries: float) -> Guess:
        """With at most so many bits for entries."""
        assert self._scale is not None
        shares = [path.at(entries) for path in self._paths[shape]]
        room = [share for share in shares if share.bits < 1.001 * entries]
        share = min(room, key=lambda share: (round(share.error, 9), share.bits))
        densities = dict(share.densities)
        for curve in self._curves[
            shape
        ]:  # all of a layer's own weights are 1, whatever its gates have
            if densities[curve.name] > 0.999999 * curve.densities[0]:
                densities[curve.name] = 1.0
        for name in self._engines[shape.weights].frozen:
            densities.pop(name, None)
        known = sorted(self._missed[shape].items())
        beside = np.interp(share.bits, [at for at, _ in known], [bits for _, bits in known])
        return Guess(
            candidate=Candidate(
                weights=shape.weights, structure=self._structures[shape], densities=densities
            ),
            entries=share.bits,
            bits=share.bits + float(beside),
            error=self._extra[shape] + self._scale * share.error,
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
