"""From a dense ONNX network and labelled data to a sparse one on an alphabet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.checks import WIDEST, check_evaluation, check_samples
from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.options import Evaluation
from elsie.compress.quantise.kinds import Asked, assign, engine_fields
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.scores import score_for
from elsie.compress.structure.change import changes, restructure
from elsie.compress.structure.fold import fold
from elsie.compress.structure.plan import Plan
from elsie.compress.train.lesson import Lesson
from elsie.compress.train.report import LayerWeights
from elsie.compress.train.trainer import Course
from elsie.compress.train.trainer import train as teach
from elsie.data import load_data
from elsie.frameworks.read import Source, read_model
from elsie.options import whole
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.report import Structure

Labelled = Sequence[ArrayLike] | str | Path
"""(inputs, labels), or a file of them."""


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
        return [LayerWeights.of(one.name, one.parameters()[0]) for one in self.model.layers]

    def save(self, path: str | Path) -> None:
        """Write an ONNX file, which `elsie compile` takes without a change to its weights."""
        from elsie.compress.onnx.save import save_onnx

        save_onnx(self.model, Path(path))


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
    progress: Callable[[int, int], None] | None = None,
) -> Trained:
    """Prune a fully connected network, and share its weights, while it learns on.

    model: trained dense network, given as to `elsie.compile`, and `output` as there. data: inputs
    (samples, n_in) with classes or targets; a file without labels teaches what the given network
    answers. density: share of all weights, or of the named layers', that is kept; None keeps the
    model's own zeros. neurons, rank: see elsie.compress.options.CompileOptions; this comes first,
    and neurons that training makes useless go too. weights: as for `elsie.compile`, with
    `code_width` for kinds that are named without bits; None leaves them in float. epochs: times
    that the data are seen; by default as many as make some 12,000 steps. distil: share of the given
    network's answers beside the labels, 0 to 1. evaluate: data on which both networks are scored.
    seed: of the order of samples; equal input gives equal networks on one machine. progress: called
    with steps done, and all.

    Raises ElsieError for anything that cannot be used.
    """
    if not isinstance(data, str | Path) and len(data) != 2:
        raise ElsieError("data must be inputs and labels, or a file of them")
    dense = read_model(model, output, data if isinstance(data, str | Path) else data[0])
    x, y = _labelled(data, dense, "data")
    if not 0 <= distil <= 1:
        raise ElsieError(f"distil must be a share from 0 to 1, not {distil!r}")
    test = None if evaluate is None else _labelled(evaluate, dense, "evaluate")
    config, schemes = _alphabets(dense, weights, code_width)
    plan = Plan.of(dense, neurons=neurons, rank=rank)
    given = Signal(values=x, valid=np.ones(x.shape[:-1], dtype=bool), frac=0)
    small = restructure(plan, dense, given, lambda _: None)
    course = Course(
        density=density,
        config=config,
        weights=None if schemes is None else {**plan.spread(schemes)},
        epochs=None if epochs is None else whole(epochs, "epochs", least=1),
        seed=whole(seed, "seed", least=0),
    )
    trained = teach(small, Lesson.of(dense, x, y, share=distil), course, progress)
    trained = fold(trained) if plan.asked else trained
    return Trained(
        model=trained,
        scores={} if test is None else _scores(dense, trained, *test),
        structure=changes(plan, dense, trained),
    )


def _scores(
    before: Model, after: Model, x: NDArray[np.float64], y: NDArray[Any] | None
) -> dict[str, dict[str, float]]:
    """Of both networks, by name."""
    outputs = [model.predict(x) for model in (before, after)]
    score = None
    if y is not None:
        score = score_for(before, y, samples=len(x), what="evaluate", outputs=outputs[0])
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


def _labelled(
    data: Labelled, model: Model, what: str
) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Inputs, and labels as far as they say something about outputs."""
    if isinstance(data, str | Path):
        x, _, y = load_data(data, model)
        what = str(data)
    elif len(data) != 2:
        raise ElsieError(f"{what} must be inputs and labels, or a file of them")
    else:
        check_evaluation(model, Evaluation(x=data[0], labels=data[1]))
        x, y = check_samples(model, data[0], what=what), np.asarray(data[1])
    if y is None or score_for(model, y, samples=len(x), what=what) is None:
        return x, None
    return x, y
