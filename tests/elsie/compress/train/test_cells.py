"""Networks of cells learn, and the compiler keeps what they have learnt."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.compress.kinds.step import Signal
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from elsie.compress.onnx.save import save_onnx
from elsie.compress.quantise.kinds import with_weights
from elsie.compress.train import lesson, masks
from elsie.compress.train.lesson import Lesson
from elsie.compress.train.units import units
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import GATE_FRAC
from tests.elsie.compress.test_compile_cells import cells

RNG = np.random.default_rng(7)
X = RNG.normal(size=(256, 7, 3))
LENGTHS = RNG.integers(3, 8, 256)
VALID = np.arange(7) < LENGTHS[:, None]
X[~VALID] = 0


def dense(n_in: int, n_out: int, function: str = "identity") -> FloatDense:
    rng = np.random.default_rng(n_in)
    weight = rng.normal(size=(n_out, n_in))
    return FloatDense(name=f"d{n_in}", weight=weight, bias=np.zeros(n_out), activation=function)


def model(kind: str = "lstm", *, head: bool = True, **more: Any) -> Model:
    """Its own outputs are what is to be learnt again with fewer weights."""
    first = cells(np.random.default_rng(3), kind, 3, 8, density=1.0, **more)
    return Model(name="m", layers=(first, dense(8, 4)), head=1 if head else None)


def answers(of: Model) -> np.ndarray:
    return of.predict(X, LENGTHS).argmax(axis=-1)


def right(trained: Model, wanted: Model) -> float:
    equal = answers(trained) == answers(wanted)
    return 100 * float(np.mean(equal[VALID] if wanted.head is None else equal))


@pytest.mark.parametrize(
    ("kind", "weights", "more"),
    [
        ("lstm", "codebook:4", {}),
        ("gru", "codebook:4", {}),
        ("lstm", "log:4", {"peepholes": True}),
        ("lstm", "codebook:4", {"peepholes": True}),
        ("gru", "codebook:3", {"head": False}),
        ("lstm", "codebook:4,d8=ttq", {"head": False}),
    ],
    ids=str,
)
def test_the_compiler_keeps_trained_weights(
    kind: str, weights: str, more: dict[str, Any], tmp_path: Path
) -> None:
    given = model(kind, **more)
    made = elsie.train(
        saved(given, tmp_path / "dense.onnx"),
        data=(X, LENGTHS, answers(given)),
        density=0.4,
        weights=weights,
        epochs=60,
        calibration=X[:200],
    )
    first = made.model.layers[0]
    assert isinstance(first, FloatCells)
    matrices = [first.weight, first.recurrent, made.model.layers[1].parameters()[0]]
    kept = sum(int(np.count_nonzero(matrix)) for matrix in matrices)
    assert kept == pytest.approx(0.4 * sum(matrix.size for matrix in matrices), abs=4)
    assert made.layers[0].density == pytest.approx(0.36, abs=0.02)
    assert right(made.model, given) > 78
    made.save(tmp_path / "small.onnx")
    network = elsie.compile(tmp_path / "small.onnx", calibration=X[:200], weights=weights)
    layer = network.layers[0]
    found = np.ldexp(layer.weights(network.config).astype(float), -layer.weight_frac)
    back = 2.0 ** (GATE_FRAC - layer.in_frac)
    wanted = np.concatenate([w[w != 0] for w in (first.weight, first.recurrent / back)])
    assert np.array_equal(np.sort(found), np.sort(wanted)), "every weight, exactly"
    assert len(np.unique(found)) <= 1 << network.config.code_width


def saved(given: Model, path: Path) -> Path:
    save_onnx(given, path)
    return path


@pytest.mark.parametrize("labels", [True, False])
def test_pruning_at_once_is_worse(labels: bool, tmp_path: Path) -> None:
    """Without labels it learns what the given network answers."""
    given = model("gru" if labels else "lstm")
    file = saved(given, tmp_path / "dense.onnx")
    np.savez(tmp_path / "x.npz", x=X, lengths=LENGTHS)
    data = (X, LENGTHS, answers(given)) if labels else tmp_path / "x.npz"
    small, again = (elsie.train(file, data=data, density=0.3, epochs=60) for _ in range(2))
    once = masks.pruned(given.layers, masks.targets(given, 0.3), 1.0)
    assert right(small.model, given) > right(replace(given, layers=tuple(once)), given) + 5
    for one, other in zip(small.model.layers, again.model.layers, strict=True):
        for array, same in zip(one.parameters(), other.parameters(), strict=True):
            assert np.array_equal(array, same), "the same from the same"


@pytest.mark.parametrize("head", [True, False])
def test_gradients_are_those_of_the_loss(head: bool) -> None:
    """Cross entropy of the last step, or of all that count; steps beyond a length do not."""
    given = model(head=head)
    y = answers(given)[:5]
    lengths = LENGTHS[:5]
    made = Lesson.of(given, X[:5], y, share=0.0, lengths=lengths)
    rows = np.array([3, 1])
    x, valid = made.batch(rows)
    assert x.shape[1] == lengths[rows].max()
    counts = np.arange(x.shape[1]) == lengths[rows, None] - 1 if head else valid
    outputs = np.random.default_rng(1).normal(size=(*x.shape[:2], 4))
    classes = y[rows][:, None] if head else y[rows][:, : x.shape[1]]

    def loss() -> float:
        powers = np.exp(outputs)
        shares = powers / powers.sum(axis=-1, keepdims=True)
        chosen = np.take_along_axis(shares, np.broadcast_to(classes, counts.shape)[..., None], -1)
        return float(-np.log(chosen[..., 0][counts]).mean())

    found = made.error(outputs, rows)
    for place in np.ndindex(outputs.shape):
        kept, sides = outputs[place], []
        for step in (1e-6, -1e-6):
            outputs[place] = kept + step
            sides.append(loss())
        outputs[place] = kept
        assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(found[place], abs=1e-8)


def test_what_is_asked_in_parts_is_answered_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given = model()
    whole = Lesson.of(given, X, None, share=1.0, lengths=LENGTHS).teacher
    monkeypatch.setattr(lesson, "AT_ONCE", 100)
    assert np.allclose(Lesson.of(given, X, None, share=1.0, lengths=LENGTHS).teacher, whole)


def test_units_are_the_compilers_scales(tmp_path: Path) -> None:
    given = model(peepholes=True)
    given = replace(given, layers=(dense(3, 3, "tanh"), *given.layers), head=2)
    config = with_weights(EngineConfig(), "codebook:4").replace(acc_width=53)
    first, second, third = units(given, Signal(values=X, valid=VALID, frac=0), config)
    file = saved(given, tmp_path / "m.onnx")
    options = {"calibration": X, "lengths": LENGTHS, "effort": "none", "weights": "codebook:4"}
    network = elsie.compile(file, **options)  # pyright: ignore[reportArgumentType]
    layer, back = network.layers[1], GATE_FRAC - network.layers[1].in_frac
    assert first is not None
    assert second is not None
    assert third is not None
    assert np.all(first[0] == 1)
    assert np.all(third[0] == 1)
    assert np.all(second[0][:, :3] == 1)
    assert np.all(second[0][:, 3:-1] == 2.0**-back)
    assert np.all(second[0][:, -1] == 1)
    assert np.all(second[1] == 2.0 ** (layer.in_frac - network.config.state_frac))


def test_a_projection_has_a_scale_of_its_own() -> None:
    layer = cells(np.random.default_rng(3), "lstm", 3, 8, projected=2)
    given = Model(name="m", layers=(layer, dense(2, 4)), head=1)
    config = with_weights(EngineConfig(), "log").replace(acc_width=53)
    with pytest.raises(ElsieError, match="layer lstm: it has a projection, which no ONNX file"):
        units(given, Signal(values=X, valid=VALID, frac=0), config)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    y = np.zeros(len(X), dtype=np.int64)
    for given, options, said in (
        (model(peepholes=True), {"weights": "ternary"}, "has peepholes, which are all stored, and"),
        (model(), {"data": (X, LENGTHS + 5, y)}, "lengths must be from 1 to the number of"),
        (model(), {"data": (X, LENGTHS, y + 4)}, "classes 0..3"),
        (model(), {"data": (X[:, :, :2], y)}, r"data has shape \(256, 7, 2\), but model m takes"),
        (model(), {"data": (X, y, y, y)}, "data must be inputs and labels"),
        (model(), {"calibration": X[:, :, :1]}, r"calibration data has shape \(256, 7, 1\)"),
        (model(head=False), {}, r"an output in every step, so labels y must be integer class"),
        (
            model(head=False),
            {"data": (X, np.full(X.shape[:2], 9))},
            "data: labels y are 9..9, but model m has classes 0..3",
        ),
    ):
        course = {"data": (X, y), "density": 0.5, "epochs": 1, **options}
        file = saved(given, tmp_path / "m.onnx")
        with pytest.raises(ElsieError, match=said):
            elsie.train(file, **course)  # pyright: ignore[reportArgumentType]
