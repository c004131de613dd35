"""Training ends at the density asked for, on the alphabet, and the compiler keeps the weights."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.kinds.step import Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.quantise.kinds import with_weights
from elsie.compress.train import masks
from elsie.compress.train.lesson import Lesson
from elsie.compress.train.trainer import Course, train
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError

ENGINE = EngineConfig(act_width=8, acc_width=53)


def teacher(scale: float = 1.0) -> Model:
    """A network that tells five directions apart, with weights that do not matter beside."""
    rng = np.random.default_rng(1)
    first = rng.normal(0, 0.1, (20, 12)) + np.eye(20, 12)
    second = rng.normal(0, 0.1, (5, 20)) + np.eye(5, 20)
    return Model(
        name="m",
        layers=(
            FloatDense(name="a", weight=first, bias=np.zeros(20), activation="relu"),
            FloatDense(name="b", weight=scale * second, bias=np.zeros(5), activation="identity"),
        ),
    )


X = np.random.default_rng(2).normal(size=(640, 12))
Y = teacher().predict(X).argmax(axis=1)


def right(model: Model) -> float:
    return 100 * float(np.mean(model.predict(X).argmax(axis=1) == Y))


def config(weights: str, **widths: int) -> EngineConfig:
    return with_weights(ENGINE, weights).replace(acc_width=53, **widths)


def trained(
    weights: str | None, density: float | dict[str, float] | None = 0.2, **changes: int
) -> Model:
    chosen = None if weights is None else config(weights, **changes)
    course = Course(density=density, config=chosen, weights=weights, epochs=40)
    model = teacher()
    return train(model, Lesson.of(model, X, Y, share=0.5), course)


def matrices(model: Model) -> list[np.ndarray]:
    return [layer.parameters()[0] for layer in model.layers]


def test_pruning_in_steps_keeps_what_pruning_at_once_loses() -> None:
    model = trained(None)
    kept = sum(int(np.count_nonzero(matrix)) for matrix in matrices(model))
    assert kept == pytest.approx(0.2 * (240 + 100), abs=1)
    assert np.count_nonzero(matrices(model)[1]) > 0.3 * 100  # the last layer keeps more
    once = masks.pruned(teacher().layers, masks.targets(teacher(), 0.2), 1.0)
    assert right(model) > right(replace(teacher(), layers=tuple(once))) + 5


@pytest.mark.parametrize(
    ("weights", "widths", "least"),
    [
        ("codebook", {"code_width": 3}, 85),
        ("log", {}, 85),
        ("fixed", {"code_width": 3, "weight_width": 3}, 85),
        ("ternary", {}, 55),
        ("twn", {}, 55),
        ("ttq", {}, 55),
        ("codebook:4,b=ttq", {}, 80),
        ("log:3,b=codebook:2", {}, 80),
    ],
)
def test_the_compiler_keeps_trained_weights(
    weights: str, widths: dict[str, int], least: float
) -> None:
    model = trained(weights, **widths)
    chosen = config(weights, **widths)
    for matrix in matrices(model):
        assert len(np.unique(matrix[matrix != 0])) <= 1 << chosen.code_width
    assert right(model) > least
    for effort in ("none", "fast"):
        options = CompileOptions(weights=weights, effort=effort)
        network = compile_model(model, X[:60], config=chosen, options=options)
        for layer, matrix in zip(network.layers, matrices(model), strict=True):
            found = np.zeros_like(matrix)
            weight = np.ldexp(layer.weights(network.config), -layer.weight_frac)
            found[layer.rows, layer.columns] = weight
            assert np.array_equal(found, matrix)


@pytest.mark.parametrize("kind", MacKind)
def test_without_a_density_zeros_stay(kind: MacKind) -> None:
    model = trained(kind.value, None)
    assert right(model) > (50 if kind is MacKind.TERNARY else 80)
    if kind is MacKind.CODEBOOK:
        assert all(matrix.all() for matrix in matrices(model))
    again = trained(kind.value, None)
    for one, other in zip(matrices(model), matrices(again), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("weights", ["codebook:4,b=binary", "binary", "twn", "ttq"])
def test_dense_networks_of_two_values(weights: str) -> None:
    """Binary layers keep every weight, ternary ones choose; the compiler keeps what they chose."""
    model = trained(weights, None)
    last = matrices(model)[1]
    values = np.unique(last[last != 0])
    if "binary" in weights:
        assert last.all()
        assert values.tolist() == [-values[1], values[1]]
    else:
        assert not last.all()
        assert len(values) <= 2
    assert right(model) > (80 if weights.startswith("codebook") else 65)
    options = CompileOptions(weights=weights)
    network = compile_model(model, X[:60], config=config(weights), options=options)
    for layer, matrix in zip(network.layers, matrices(model), strict=True):
        weight = np.ldexp(layer.weights(network.config), -layer.weight_frac)
        assert np.array_equal(weight, matrix[layer.rows, layer.columns])
        assert layer.nnz == np.count_nonzero(matrix)


def test_binary_layers_are_not_pruned() -> None:
    with pytest.raises(ElsieError, match="layer b: binary weights have no 0, so none"):
        trained("codebook:4,b=binary", 0.2)
    model = trained("codebook:4,b=binary", {"a": 0.3})
    assert np.count_nonzero(matrices(model)[0]) == round(0.3 * 240)
    assert matrices(model)[1].all()


def test_without_labels_the_network_itself_is_the_teacher() -> None:
    model = teacher()
    lesson = Lesson.of(model, X, None, share=0.0)
    assert right(train(model, lesson, Course(density=0.2, epochs=40))) > 85


def test_a_single_density_is_that_of_all_layers_together() -> None:
    assert masks.targets(teacher(), None) == [1.0, 1.0]
    assert masks.targets(teacher(), {"b": 0.5}) == [1.0, 0.5]
    first, last = masks.targets(teacher(), 0.1)
    assert last == 2.5 * first
    assert 240 * first + 100 * last == pytest.approx(0.1 * 340)
    assert masks.targets(teacher(), 0.9) == [0.9, 0.9]
    with pytest.raises(ElsieError, match="density must be above 0"):
        masks.targets(teacher(), 0.0)


def test_surgery_lets_weights_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some that an earlier mask left out are in a later one; without surgery none is."""
    model, seen = teacher(), []

    def pruned(*given: Any) -> Any:
        layers = thin(*given)
        seen.append(np.concatenate([layer.parameters()[0].ravel() != 0 for layer in layers]))
        return layers

    thin = masks.pruned
    monkeypatch.setattr(masks, "pruned", pruned)
    back = {}
    for surgery in (False, True):
        seen.clear()
        course = Course(density=0.2, epochs=40, surgery=surgery)
        made = train(model, Lesson.of(model, X, Y, share=0.5), course)
        back[surgery] = sum(np.count_nonzero(b & ~a) for a, b in pairwise(seen))
        assert sum(np.count_nonzero(m) for m in matrices(made)) == pytest.approx(0.2 * 340, abs=1)
        assert right(made) > 85
    assert back[False] == 0
    assert back[True] > 5


def test_columns_of_different_ranges_share_an_alphabet() -> None:
    """The compiler gives such inputs scales of their own, so the weights are trained at these."""
    factors = np.logspace(-1, 3, 12)
    first, last = teacher().layers
    assert isinstance(first, FloatDense)
    model = replace(teacher(), layers=(replace(first, weight=first.weight / factors), last))
    x = X * factors
    inputs = Signal(values=x[:40], valid=np.ones(40, bool), frac=0)
    course = Course(density=0.5, config=config("codebook"), epochs=10, inputs=inputs)
    made = train(model, Lesson.of(model, x, Y, share=0.5), course)
    network = compile_model(made, x[:40], config=config("codebook"))
    scales = np.ldexp(1.0, network.layers[0].in_frac - np.array(network.input_frac))
    assert len(set(scales.tolist())) > 3
    layer, matrix = network.layers[0], matrices(made)[0] * scales
    weight = np.ldexp(layer.weights(network.config), -layer.weight_frac)
    assert np.array_equal(matrix[layer.rows, layer.columns], weight)


def test_a_layer_of_zeros_stays_one() -> None:
    first, last = teacher().layers
    assert isinstance(first, FloatDense)
    model = replace(teacher(), layers=(replace(first, weight=0 * first.weight), last))
    lesson = Lesson.of(model, X, Y, share=0.5)
    made = train(model, lesson, Course(config=config("codebook"), epochs=2))
    assert not matrices(made)[0].any()
