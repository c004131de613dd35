"""From a dense network and labelled data to a sparse one on an alphabet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.checks import WIDEST, check_no_maps, check_samples, check_steps, valid_steps
from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.quality import hold_out
from elsie.compress.quantise.kinds import Asked, assign, engine_fields
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.reconstruct.threads import one_thread
from elsie.compress.scores import score_for
from elsie.compress.structure.change import changes, restructure
from elsie.compress.structure.fold import fold
from elsie.compress.structure.plan import Plan
from elsie.compress.train.lesson import Lesson
from elsie.compress.train.report import LayerWeights
from elsie.compress.train.trainer import Course
from elsie.compress.train.trainer import train as teach
from elsie.data import Data, load_data
from elsie.frameworks.read import Source, read_model
from elsie.options import whole
from golden.arithmetic.sequences import check_lengths
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.report import Structure

Labelled = Sequence[ArrayLike] | str | Path
"""(inputs, labels), of sequences also (inputs, lengths, labels), or a file of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A trained network."""

    model: Model
    """Sparse, all weights of a layer values of its alphabet."""
    scores: Mapping[str, Mapping[str, float]]
    """Of the data to evaluate with, by name: 'before' and 'after'. Empty without such data."""
    structure: Structure | None = None
    """As in the compiler's report; None if unchanged."""

    @property
    def layers(self) -> list[LayerWeights]:
        """What each layer's weights have become."""
        return [
            LayerWeights.of(one.name, *(matrix for part in one.parts() for matrix in part.matrices))
            for one in self.model.layers
        ]

    def save(self, path: str | Path) -> None:
        """Write an ONNX file, which `elsie compile` takes without a change to its weights."""
        from elsie.compress.onnx.save import save_onnx

        save_onnx(self.model, Path(path))


@one_thread
def train(
    model: Source,
    *,
    data: Labelled,
    density: float | Mapping[str, float] | None = None,
    neurons: float | Mapping[str, float] | None = None,
    rank: float | int | Mapping[str, float | int] | None = None,
    weights: Asked | None = None,
    code_width: int | None = None,
    epochs: int | None = None,
    distil: float = 0.5,
    evaluate: Labelled | None = None,
    output: str | None = None,
    seed: int = 2016,
    calibration: ArrayLike | str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trained:
    """Prune a network, and share its weights, while it learns on.

    model: trained dense network, given as to `elsie.compile`, and `output` as there. data: inputs
    (samples, n_in) with classes or targets; a file without labels teaches what the given network
    answers. For a network with LSTM or GRU layers sequences (samples, steps, n_in), with lengths if
    they differ; where it has an output in every step, so have the labels. density: share of all
    weights, or of the named layers', that is kept; None keeps the model's own zeros. neurons, rank:
    see elsie.compress.options.CompileOptions; this comes first, and neurons that training makes
    useless go too. weights: as for `elsie.compile`, with `code_width` for kinds that are named
    without bits; None leaves them in float. epochs: times that the data are seen; by default as
    many as make some 12,000 steps, 2,400 of sequences. distil: share of the given network's answers
    beside the labels, 0 to 1. evaluate: data on which both networks are scored. seed: of the order
    of samples; equal input gives equal networks on one machine. calibration: inputs as
    `elsie.compile` will get them, for the scales that an alphabet depends on where a layer has LSTM
    or GRU cells, or columns of inputs differ in range; None takes those of `data`. progress: called
    with steps done, and all.

    Raises ElsieError for anything that cannot be used.
    """
    if not isinstance(data, str | Path) and len(data) not in (2, 3):
        raise ElsieError("data must be inputs and labels, or a file of them")
    dense = read_model(model, output, data if isinstance(data, str | Path) else data[0])
    check_no_maps(
        dense, what="'elsie train'", instead="use 'elsie compile', or train with a framework"
    )
    given = _labelled(data, dense, "data")
    if not 0 <= distil <= 1:
        raise ElsieError(f"distil must be a share from 0 to 1, not {distil!r}")
    test = None if evaluate is None else _labelled(evaluate, dense, "evaluate")
    config, schemes = _alphabets(dense, weights, code_width)
    plan = Plan.of(dense, neurons=neurons, rank=rank)
    course = Course(
        density=density,
        config=config,
        weights=None if schemes is None else {**plan.spread(schemes)},
        epochs=None if epochs is None else whole(epochs, "epochs", least=1),
        seed=whole(seed, "seed", least=0),
        inputs=None if calibration is None else _scales_from(_inputs(calibration, dense), dense),
    )
    small = restructure(plan, dense, _signal(given, dense), lambda _: None)
    lesson = Lesson.of(dense, given.x, given.y, share=distil, lengths=given.lengths)
    trained = teach(small, lesson, course, progress)
    trained = fold(trained) if plan.asked else trained
    return Trained(
        model=trained,
        scores={} if test is None else _scores(dense, trained, test),
        structure=changes(plan, dense, trained),
    )


def _scores(before: Model, after: Model, data: Data) -> dict[str, dict[str, float]]:
    """Of both networks, by name."""
    outputs = [model.predict(data.x, data.lengths) for model in (before, after)]
    score = None
    if data.y is not None:
        score = score_for(before, data.y, samples=len(data.x), what="evaluate", outputs=outputs[0])
    if score is None:
        raise ElsieError("evaluate has no labels y that say how good outputs are; add them")
    first, second = (score.figures(values) for values in outputs)
    return {name: {"before": first[name], "after": second[name]} for name in first}


def _alphabets(
    model: Model, weights: Asked | None, code_width: int | None
) -> tuple[EngineConfig | None, dict[str, Scheme] | None]:
    """An engine that holds the alphabets, and that of each layer."""
    if weights is None:
        if code_width is not None:
            raise ElsieError("code_width needs a kind of weights; give weights too")
        return None, None
    given, base = {} if code_width is None else {"code_width": code_width}, EngineConfig()
    schemes = assign(weights, layers=[layer.name for layer in model.layers], given=given)
    fields = engine_fields(schemes.values(), given, base.to_dict())
    return base.replace(acc_width=WIDEST, **fields), schemes


def _labelled(data: Labelled, model: Model, what: str) -> Data:
    """Inputs, lengths, and labels as far as they say something about outputs."""
    if isinstance(data, str | Path):
        found, what = load_data(data, model), str(data)
    elif len(data) not in (2, 3):
        raise ElsieError(f"{what} must be inputs and labels, or a file of them")
    else:
        x, lengths = _inputs(data[0], model, what=what).x, data[1] if len(data) == 3 else None
        check_steps(model, {"lengths": lengths})
        if lengths is not None:
            lengths = check_lengths(lengths, samples=len(x), steps=x.shape[1])
        found = Data(x=x, lengths=lengths, y=np.asarray(data[-1]))
    if found.y is None:
        return found
    if model.recurrent and model.head is None:
        _check_steps(found.y, model, found.x.shape[:2], what)
        return found
    says = score_for(model, found.y, samples=len(found.x), what=what) is not None
    return found if says else found._replace(y=None)


def _check_steps(y: NDArray[Any], model: Model, shape: tuple[int, ...], what: str) -> None:
    """Refuse labels that are not one for each step, or a target for each output of each step."""
    classes = y.shape == shape and (y.dtype.kind in "iu" or model.n_out == 1)
    if classes and model.n_out > 1 and not 0 <= y.min() <= y.max() < model.n_out:
        raise ElsieError(
            f"{what}: labels y are {y.min()}..{y.max()}, but model {model.name} has classes "
            f"0..{model.n_out - 1}"
        )
    numbers = y.dtype.kind in "iuf" and bool(np.isfinite(y).all())
    if not numbers or not (classes or y.shape == (*shape, model.n_out)):
        raise ElsieError(
            f"{what}: model {model.name} has an output in every step, so labels y must be integer "
            f"class numbers {shape} or numbers {(*shape, model.n_out)}, not {y.dtype} {y.shape}"
        )


def _inputs(data: ArrayLike | str | Path, model: Model, what: str = "calibration data") -> Data:
    """Without labels."""
    if isinstance(data, str | Path):
        return load_data(data, model, labels=False)
    return Data(x=check_samples(model, data, what=what), lengths=None, y=None)


def _scales_from(data: Data, model: Model) -> Signal:
    """Those of the inputs that the compiler chooses scales from."""
    every = _signal(data, model)
    given, held = hold_out(every)
    return every if held.dear else given


def _signal(data: Data, model: Model) -> Signal:
    return Signal(values=data.x, valid=valid_steps(model, data.x, data.lengths), frac=0)
