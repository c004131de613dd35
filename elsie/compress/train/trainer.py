"""Pruning and sharing of weights while a network learns on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.kinds.step import Signal
from elsie.compress.model.layer import FloatLayer, Reals
from elsie.compress.model.model import Model
from elsie.compress.prune.even import prune_plainly
from elsie.compress.quantise.kinds import Asked
from elsie.compress.quantise.quantise import quantise
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.threads import one_thread
from elsie.compress.schemes import check_kept, with_schemes
from elsie.compress.structure.plan import Plan
from elsie.compress.train import masks
from elsie.compress.train.alphabets import Nothing, Training
from elsie.compress.train.gradients import Adam, cosine
from elsie.compress.train.hints import alike, hints
from elsie.compress.train.lesson import BATCH, Lesson
from elsie.compress.train.live import Live, sizes
from elsie.compress.train.passes.registry import read, write
from elsie.compress.train.pupil import Pupil
from elsie.compress.train.units import units
from golden.config import EngineConfig

RATE = 0.02
"""First step of a weight, in root mean squares of its layer's weights; falls along a cosine."""
DECAY = 1e-3
"""Of weights, in the gradient."""
SHARING = 0.25
"""Share of the epochs for the alphabet, where there is pruning too."""
STEPS = 12_000
"""That the epochs make if their number is not given."""
SEQUENCES = 0.2
"""Share of them for sequences: a step of one costs as much as many samples."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a network is trained."""

    density: float | Mapping[str, float] | None = None
    """Share of the weights to keep, of all layers together, or of the named ones; None keeps the
    model's own zeros."""
    config: EngineConfig | None = None
    """Its kind of weights is the alphabet; None leaves weights in float."""
    weights: Asked | None = None
    """Alphabets of the layers where that is not all that the engine has."""
    epochs: int | None = None
    """Times that all samples are seen; None for some STEPS steps."""
    seed: int = 2016
    """Of the order of samples."""
    inputs: Signal | None = None
    """By which the scales are found that an alphabet depends on (train.units), as the compiler gets
    them; None for those of the lesson."""
    surgery: bool = False
    """Pruned weights learn on until the last masks, and may come back (train.masks)."""


@one_thread
def train(
    model: Model, lesson: Lesson, course: Course, progress: Callable[[int, int], None] | None = None
) -> Model:
    """The model with fewer weights, all of them values of the alphabet, trained on the lesson.

    `progress` is called with steps done, and all. Raises ElsieError for a density out of range, and
    for a layer that cannot have the alphabet.
    """
    densities = masks.targets(model, course.density)
    if course.config is not None:
        model, config = with_schemes(model, course.config, course.weights)
        course = replace(course, config=config)
        names = [layer.name for layer in model.layers]
        check_kept(model, Plan(), dict(zip(names, densities, strict=True)))
    batches = -(-len(lesson.x) // BATCH)
    usual = round((SEQUENCES if model.recurrent else 1.0) * STEPS)
    epochs = max(10, -(-usual // batches)) if course.epochs is None else course.epochs
    school = _School(model, lesson, course, epochs * batches, progress or (lambda *_: None))
    thins = any(density < 1 for density in densities)
    steps = epochs * batches
    last = 0 if course.config is None else sharing(steps, thins=thins)
    if thins or course.config is None:
        school.prune(densities, steps - last, surgery=course.surgery)
    if course.config is not None:
        school.share(course.config, densities, last)
    return school.model()


def sharing(steps: int, *, thins: bool) -> int:
    """How many of the steps, the last ones, are for the alphabet; `thins`: there is pruning too."""
    return round(SHARING * steps) if thins else steps


class _School:
    """Weights that learn, in the arrays of their layers (train.pupil)."""

    def __init__(
        self,
        model: Model,
        lesson: Lesson,
        course: Course,
        steps: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self._model, self._lesson, self._progress = model, lesson, progress
        self._inputs = course.inputs or Signal(values=lesson.x, valid=lesson.valid, frac=0)
        self._pupil = Pupil(model.layers, np.float32)  # half the time
        self._dense = Pupil(lesson.model.layers, np.float32)
        self._alike = alike(lesson.model.layers, model.layers)
        each = [read(layer) for layer in model.layers]
        self._live = [Live(arrays) for arrays in each]
        self._rates = [[RATE * size for size in sizes(arrays)] for arrays in each]
        self._random = np.random.default_rng(course.seed)
        self._order = np.arange(0)
        self._done, self._steps = 0, steps

    def prune(self, densities: Sequence[float], steps: int, *, surgery: bool) -> None:
        """Train while the density falls."""
        adam = Adam(self._values, self._steps_of([1.0] * len(self._live)))
        stays: list[NDArray[np.bool_]] = []
        for step in range(steps):
            if masks.due(step, steps):
                for one in self._live:
                    one.put()
                thinner = masks.pruned(self._layers, densities, step / steps)
                each = [read(layer) for layer in thinner]
                pairs = zip(self._live, each, strict=True)
                stays = [one.stays(arrays) for one, arrays in pairs]
                if not surgery or step >= masks.FALLING * steps:
                    adam.keep(stays)
                    self._live, stays = [Live(arrays) for arrays in each], []
            for one, chosen in zip(self._live, stays, strict=bool(stays)):
                one.put((one.values * chosen)[None])
            adam.step(self._values, self._gradients(), cosine(step, steps))
            for one in self._live:
                one.put()

    def share(self, config: EngineConfig, densities: Sequence[float], steps: int) -> None:
        """Train until all weights are values of the alphabet.

        Of layers that were not pruned the alphabet keeps what it would keep in the compiler.
        """
        schemes = [layer.scheme or Scheme.of(config) for layer in self._model.layers]
        layers = [
            layer if density < 1 else _kept(layer, scheme)
            for layer, scheme, density in zip(self._layers, schemes, densities, strict=True)
        ]
        factors = units(replace(self._model, layers=tuple(layers)), self._inputs, config)
        each = zip(layers, factors, strict=True)
        self._live = [Live(read(layer), own) for layer, own in each]
        learnt = list(zip(self._live, schemes, strict=True))
        ways = [training(one.weights, config, scheme) for one, scheme in learnt]
        adam = Adam(self._values, self._steps_of([1.0] * len(ways)))
        for step in range(steps):
            gradients = self._shared(ways)
            adam.step(self._values, gradients, cosine(step, steps))
            pairs = zip(self._live, ways, strict=True)
            anew = [way.after(one.weights, step, steps) for one, way in pairs]
            if any(anew):  # weights of a code have one rate, so that they stay equal
                adam = Adam(self._values, self._steps_of([way.rate for way in ways], equal=anew))
        for one, scheme in learnt:
            one.weights[:] = quantise(config, one.weights, scheme=scheme, zero=one.zeros).values
            one.put()

    def model(self) -> Model:
        """The layers as they are now."""
        return replace(self._model, layers=tuple(self._layers), grids={})

    @property
    def _layers(self) -> list[FloatLayer]:
        pairs = zip(self._model.layers, self._live, strict=True)
        return [write(layer, one.arrays) for layer, one in pairs]

    @property
    def _values(self) -> list[Reals]:
        """What is trained."""
        return [one.values for one in self._live]

    def _steps_of(
        self, factors: Sequence[float], equal: Sequence[bool] | None = None
    ) -> list[float | Reals]:
        """First steps of the values, of each layer times a factor; `equal` ones for its weights."""
        found = []
        for nth, (one, rates) in enumerate(zip(self._live, self._rates, strict=True)):
            each = [rate * factors[nth] for rate in rates]
            found.append(one.rates(each, equal=bool(equal and equal[nth])))
        return found

    def _shared(self, ways: Sequence[Training]) -> list[Reals]:
        """Gradients of the values where the network runs with what the alphabets show."""
        pairs = list(zip(self._live, ways, strict=True))
        for one, way in pairs:
            one.put(way.shown(one.weights))
        gradients = self._gradients()
        for (one, way), gradient in zip(pairs, gradients, strict=True):
            one.share(gradient, way.shared)
        return gradients

    def _gradients(self) -> list[Reals]:
        """Of the values, on the next samples."""
        if not len(self._order):
            self._order = self._random.permutation(len(self._lesson.x))
        rows, self._order = self._order[:BATCH], self._order[BATCH:]
        x, valid = self._lesson.batch(rows)
        outputs = self._pupil.forward(x, [array for one in self._live for array in one.arrays])
        hinted = None
        if self._lesson.share > 0 and any(nth is not None for nth in self._alike):
            wanted = hints(self._alike, self._dense.forward(x), outputs, valid)
            hinted = [one if one is None else self._lesson.share * one for one in wanted]
        found, _ = self._pupil.backward(self._lesson.error(outputs[-1], rows), hinted)
        self._done += 1
        self._progress(self._done, self._steps)
        each = iter(found)
        own = [[next(each) for _ in one.arrays] for one in self._live]
        return [one.gradient(g, DECAY) for one, g in zip(self._live, own, strict=True)]


def _kept(layer: FloatLayer, scheme: Scheme) -> FloatLayer:
    """A layer that was not pruned, with the weights that the alphabet keeps."""
    kind = QUANTISERS[scheme.name]
    if kind.training.chooses:
        return layer
    return layer.with_parts(prune_plainly(layer.parts(), kind.keep))


def training(matrix: Reals, config: EngineConfig, scheme: Scheme) -> Training:
    """How `matrix` (rows, columns), which may be changed, goes to its alphabet."""
    if not matrix.any():
        return Nothing(matrix, np.zeros(1), scheme.bits)
    grid = quantise(config, matrix, scheme=scheme).grid
    return QUANTISERS[scheme.name].training(matrix, grid, scheme.bits)
