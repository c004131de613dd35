"""Pruning and sharing of weights while a fully connected network learns on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.quantise.kinds import Asked
from elsie.compress.quantise.quantise import quantise
from elsie.compress.quantise.registry import QUANTISERS, Quantiser
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.matrices import VIEWS
from elsie.compress.schemes import check_kept, with_schemes
from elsie.compress.structure.plan import Plan
from elsie.compress.train import masks
from elsie.compress.train.alphabets import Nothing, Training
from elsie.compress.train.gradients import Adam, cosine
from elsie.compress.train.lesson import BATCH, Lesson
from elsie.compress.train.live import Live
from elsie.compress.train.pupil import Pupil
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import LayerKind

RATE = 0.02
"""First step of a weight, in root mean squares of its layer's weights; falls along a cosine."""
VIEW = VIEWS[LayerKind.DENSE]
"""A layer as one matrix."""
DECAY = 1e-3
"""Of weights, in the gradient."""
SHARING = 0.25
"""Share of the epochs for the alphabet, where there is pruning too."""
STEPS = 12_000
"""That the epochs make if their number is not given."""


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


def train(
    model: Model, lesson: Lesson, course: Course, progress: Callable[[int, int], None] | None = None
) -> Model:
    """The model with fewer weights, all of them values of the alphabet, trained on the lesson.

    `progress` is called with steps done, and all. Raises ElsieError for a model with layers that
    are not fully connected, or a density out of range.
    """
    for layer in model.layers:
        if not isinstance(layer, FloatDense):
            raise ElsieError(
                f"layer {layer.name}: only fully connected networks are trained, and it is "
                f"{layer.kind.value}; use 'elsie compile --density', which needs no training"
            )
    densities = masks.targets(model, course.density)
    if course.config is not None:
        model, config = with_schemes(model, course.config, course.weights)
        course = replace(course, config=config)
        names = [layer.name for layer in model.layers]
        check_kept(model, Plan(), dict(zip(names, densities, strict=True)))
    batches = -(-len(lesson.x) // BATCH)
    epochs = max(10, -(-STEPS // batches)) if course.epochs is None else course.epochs
    school = _School(model, lesson, course, epochs * batches, progress or (lambda *_: None))
    thins = any(density < 1 for density in densities)
    steps = epochs * batches
    last = 0 if course.config is None else sharing(steps, thins=thins)
    if thins or course.config is None:
        school.prune(densities, steps - last)
    if course.config is not None:
        school.share(course.config, densities, last)
    return school.model()


def sharing(steps: int, *, thins: bool) -> int:
    """How many of the steps, the last ones, are for the alphabet; `thins`: there is pruning too."""
    return round(SHARING * steps) if thins else steps


class _School:
    """Weights that learn, those of a layer as one matrix (rows, columns + 1)."""

    def __init__(
        self,
        model: Model,
        lesson: Lesson,
        course: Course,
        steps: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self._model, self._lesson, self._progress = model, lesson, progress
        self._layers = [layer for layer in model.layers if isinstance(layer, FloatDense)]
        self._pupil = Pupil(self._layers, np.float32)  # half the time
        self._live = [Live(array) for array in self._pupil.arrays]
        self._rates = [RATE * size for size in self._pupil.sizes]
        self._random = np.random.default_rng(course.seed)
        self._order = np.arange(0)
        self._done, self._steps = 0, steps

    def prune(self, densities: Sequence[float], steps: int) -> None:
        """Train while the density falls."""
        adam = Adam(self._values, self._rates)
        for step in range(steps):
            if masks.due(step, steps):
                thinner = masks.pruned(self._weights, densities, step / steps)
                pairs = zip(self._live, thinner, strict=True)
                adam.keep([one.stays(whole) for one, whole in pairs])
                self._live = [Live(whole) for whole in thinner]
            adam.step(self._values, self._gradients(), cosine(step, steps))
            for one in self._live:
                one.put()

    def share(self, config: EngineConfig, densities: Sequence[float], steps: int) -> None:
        """Train until all weights are values of the alphabet.

        Of layers that were not pruned the alphabet keeps what it would keep in the compiler.
        """
        schemes = [layer.scheme or Scheme.of(config) for layer in self._layers]
        kinds = [QUANTISERS[scheme.name] for scheme in schemes]
        self._live = [
            Live(w if density < 1 or kind.training.chooses else _kept(kind, w))
            for kind, density, w in zip(kinds, densities, self._weights, strict=True)
        ]
        ways = [
            training(one.whole[:, :-1], config, scheme, learn=one.weights)
            for one, scheme in zip(self._live, schemes, strict=True)
        ]
        adam = Adam(self._values, self._rates)
        for step in range(steps):
            pairs = list(zip(self._live, ways, strict=True))
            for one, way in pairs:
                one.put(way.shown(one.weights))
            gradients = self._gradients()
            for (one, way), gradient in zip(pairs, gradients, strict=True):
                one.share(gradient, way.shared)
            adam.step(self._values, gradients, cosine(step, steps))
            anew = [way.after(one.weights, step, steps) for one, way in pairs]
            if any(anew):
                rates = [rate * way.rate for rate, way in zip(self._rates, ways, strict=True)]
                adam = Adam(self._values, rates)
        for one, scheme in zip(self._live, schemes, strict=True):
            one.put()
            matrix = one.whole[:, :-1]
            matrix[:] = quantise(config, matrix, scheme=scheme).values

    def model(self) -> Model:
        """The layers as they are now."""
        pairs = zip(self._layers, self._weights, strict=True)
        layers = tuple(VIEW.write(layer, w) for layer, w in pairs)
        return replace(self._model, layers=layers, grids={})

    @property
    def _weights(self) -> list[Reals]:
        """What the network runs with."""
        return [one.whole for one in self._live]

    @property
    def _values(self) -> list[Reals]:
        """What is trained."""
        return [one.values for one in self._live]

    def _gradients(self) -> list[Reals]:
        """Of the values, on the next samples."""
        if not len(self._order):
            self._order = self._random.permutation(len(self._lesson.x))
        rows, self._order = self._order[:BATCH], self._order[BATCH:]
        outputs = self._pupil.forward(self._lesson.x[rows], self._weights)[-1]
        gradients, _ = self._pupil.backward(self._lesson.error(outputs, rows))
        self._done += 1
        self._progress(self._done, self._steps)
        pairs = zip(self._live, gradients, strict=True)
        return [one.decayed(gradient, DECAY) for one, gradient in pairs]


def _kept(kind: Quantiser, weights: Reals) -> Reals:
    """Weights (rows, columns + 1) of which the alphabet keeps some."""
    return np.hstack((kind.keep(weights[:, :-1]), weights[:, -1:]))


def training(
    matrix: Reals, config: EngineConfig, scheme: Scheme, learn: Reals | None = None
) -> Training:
    """How `matrix` (rows, columns) goes to its alphabet.

    learn: what is trained of it, (1, number), where that is not all; it may be changed.
    """
    learn = matrix if learn is None else learn
    if not matrix.any():
        return Nothing(learn, np.zeros(1), scheme.bits)
    grid = quantise(config, matrix, scheme=scheme).grid
    return QUANTISERS[scheme.name].training(learn, grid, scheme.bits)
