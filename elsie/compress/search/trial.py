"""Candidates, compiled and measured on calibration samples that they have not seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from elsie.compress.compiler import compile_model
from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.quality import hold_out
from elsie.compress.search.cycles import counters
from elsie.compress.search.structures import Structure
from elsie.compress.search.weights import Engine
from golden.arithmetic.sequences import Sequences, quantise_input
from golden.format.network import Network
from golden.report import Choice

FOLDS = 4
"""Splits of few samples, so that each of them is held out once."""
_TIMED = 4
"""Samples whose cycles are counted; of sequences one."""


class Shape(NamedTuple):
    """What networks have in common that differ in their densities alone."""

    weights: str
    """Key of the engines."""
    structure: str
    """Neurons and ranks, in words."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What may differ between two networks that a search compares."""

    weights: str
    """Key of the engines: a kind of weights and the bits of its codes."""
    structure: Structure = field(default_factory=Structure)
    """Neurons and ranks."""
    densities: Mapping[str, float]
    """Of each layer."""

    @property
    def shape(self) -> Shape:
        """What decides which densities there are to choose from."""
        return Shape(self.weights, str(self.structure))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A candidate and what was measured."""

    candidate: Candidate
    """What it is made of."""
    density: float
    """Share of all weights that is left."""
    bits: int
    """On chip, as SizeBits.stored."""
    cycles: float
    """Mean of a few inferences, by the timing model."""
    drop: float
    """Percentage points: of samples with another class than in the float network; where outputs
    are no classes, of their variance."""
    relative_error: float
    """As Quality.relative_error."""
    samples: int
    """Calibration samples that these two were measured on."""
    held_out: bool
    """None of them was used to make the network that it was measured on."""

    def __str__(self) -> str:
        """For messages: what it is and loses."""
        held = "held-out calibration" if self.held_out else "calibration"
        what = f"{self.candidate.weights} weights, density {100 * self.density:.1f} %"
        if structure := str(self.candidate.structure):
            what += f", {structure}"
        return f"loses {self.drop:.2f} points on {self.samples} {held} samples ({what})"

    def shown(self, *, chosen: bool) -> Choice:
        """For the report."""
        return Choice(
            weights=self.candidate.weights,
            structure=str(self.candidate.structure),
            density=round(self.density, 6),
            densities={name: round(one, 6) for name, one in self.candidate.densities.items()},
            bits=self.bits,
            cycles=round(self.cycles, 1),
            drop=round(self.drop, 3),
            relative_error=round(self.relative_error, 4),
            chosen=chosen,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """Compiles and measures candidates."""

    model: Model
    """To compress."""
    given: Signal
    """Calibration data."""
    lengths: ArrayLike | None
    """Of its sequences, or None."""
    engines: Mapping[str, Engine]
    """By weights."""
    options: CompileOptions
    """The user's, without a density, a structure or a goal."""
    say: Callable[[str], None]
    """Is told of each candidate."""

    def once(self, candidate: Candidate) -> Network:
        """A network made from three quarters of the samples, for any board."""
        return self._compile(candidate, fold=0, anywhere=True)

    def measure(self, candidate: Candidate) -> Row:
        """All figures. Raises ElsieError for one that no engine, or not the board, can have."""
        folds = FOLDS if hold_out(self.given)[1].dear else 1
        made = [self._compile(candidate, fold=fold) for fold in range(folds)]
        row = _row(candidate, made, self.cycles(made[0]))
        self.say(
            f"tried {' '.join(candidate.shape).strip()} at density {100 * row.density:.1f} %: "
            f"{row.bits / 1000:.1f} kbit, {row.drop:.2f} points lost"
        )
        return row

    def asked(self, candidate: Candidate) -> CompileOptions:
        """The user's options with what a candidate is made of."""
        weights = self.engines[candidate.weights].weights
        shape = {"neurons": candidate.structure.neurons, "rank": candidate.structure.rank}
        return replace(self.options, density=candidate.densities, weights=weights, **shape)

    def _compile(self, candidate: Candidate, *, fold: int, anywhere: bool = False) -> Network:
        options = replace(self.asked(candidate), strategy="lpt", fold=fold, max_drop=None)
        return compile_model(
            self.model,
            self.given.values,
            config=self.engines[candidate.weights].config,
            options=replace(options, preset=None) if anywhere else options,
            lengths=self.lengths,
        )

    def cycles(self, network: Network) -> float:
        """Mean of a few inferences."""
        data = hold_out(self.given)[1].data
        count = 1 if network.recurrent else _TIMED
        given = Sequences.of(network, quantise_input(network, data.x), data.lengths)
        steps = counters(network, given, count)
        return sum(step.cycles for step in steps) / min(count, len(given.x))


def _row(candidate: Candidate, made: Sequence[Network], cycles: float) -> Row:
    quality = [network.info.quality for network in made]
    weight = np.array([one.samples for one in quality], dtype=np.float64)
    return Row(
        candidate=candidate,
        density=density_of(made[0]),
        bits=max(network.info.size_bits.stored for network in made),
        cycles=cycles,
        drop=float(np.average([one.drop for one in quality], weights=weight)),
        relative_error=float(
            np.sqrt(np.average([one.relative_error**2 for one in quality], weights=weight))
        ),
        samples=sum(one.samples for one in quality),
        held_out=quality[0].held_out,
    )


def density_of(network: Network) -> float:
    """Share of all weights that is left."""
    layers = network.info.layers
    kept = sum(layer.nnz for layer in layers)
    return kept / sum(layer.nnz / layer.density for layer in layers if layer.nnz)
