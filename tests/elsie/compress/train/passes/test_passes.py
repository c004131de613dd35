"""Every kind of layer: forwards as the float model, backwards as differences say."""

from collections.abc import Callable

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.layer import FloatLayer
from elsie.compress.train.live import Live
from elsie.compress.train.passes.dense import SLOPES
from elsie.compress.train.passes.registry import PASSES, read, write
from elsie.compress.train.pupil import Pupil
from golden.kinds import LayerKind
from tests.elsie.compress.test_compile_cells import cells

X = np.random.default_rng(1).normal(size=(3, 5, 3))
"""Samples, steps, inputs."""


def dense(rng: np.random.Generator, n_in: int, n_out: int, function: str) -> FloatDense:
    return FloatDense(
        name=f"{function}{n_in}",
        weight=rng.normal(size=(n_out, n_in)),
        bias=rng.normal(size=n_out),
        activation=function,
    )


LAYERS: dict[str, Callable[[np.random.Generator], list[FloatLayer]]] = {
    "dense": lambda rng: [dense(rng, 3, 4, "sigmoid"), dense(rng, 4, 2, "tanh")],
    "lstm": lambda rng: [cells(rng, "lstm", 3, 4)],
    "gru": lambda rng: [cells(rng, "gru", 3, 4)],
    "peepholes": lambda rng: [cells(rng, "lstm", 3, 4, peepholes=True)],
    "projection": lambda rng: [cells(rng, "lstm", 3, 5, projected=2)],
    "both": lambda rng: [cells(rng, "lstm", 3, 5, projected=4, peepholes=True)],
    "stacked": lambda rng: [
        dense(rng, 3, 4, "tanh"),
        cells(rng, "lstm", 4, 5, projected=4, peepholes=True),
        cells(rng, "gru", 4, 3),
        dense(rng, 3, 2, "identity"),
    ],
}


@pytest.mark.parametrize("name", LAYERS)
def test_forwards(name: str) -> None:
    layers = LAYERS[name](np.random.default_rng(2))
    wanted = X
    for layer in layers:
        wanted = layer.forward(wanted)
    assert np.allclose(Pupil(layers).forward(X)[-1], wanted, rtol=0, atol=1e-14)
    short = Pupil(layers, np.float32).forward(X)[-1]
    assert short.dtype == np.float32
    assert np.allclose(short, wanted, rtol=0, atol=1e-5)
    for layer in layers:
        again = write(layer, [2.0 * array for array in read(layer)])
        for one, other in zip(layer.parameters(), again.parameters(), strict=True):
            assert np.array_equal(2.0 * one, other)


@pytest.mark.parametrize("name", LAYERS)
def test_backwards(name: str) -> None:
    """Central differences, whose own error is about 1e-9 here, of all weights and all inputs."""
    rng = np.random.default_rng(3)
    layers = LAYERS[name](rng)
    pupil, x = Pupil(layers), X.copy()
    error = rng.normal(size=pupil.forward(x)[-1].shape)
    error[0] = 0.0  # no step of it counts
    error[1, 2:] = 0.0
    hints = [rng.normal(size=outputs.shape) for outputs in pupil.forward(x)[:-1]]
    errors = [*hints, error]

    def loss() -> float:
        return float(sum((one * e).sum() for one, e in zip(pupil.forward(x), errors, strict=True)))

    pupil.forward(x)
    given = error.copy()
    gradients, of_inputs = pupil.backward(error, hints, inputs=True)
    assert of_inputs is not None
    assert np.array_equal(error, given)
    alone, nothing = pupil.backward(error, hints)
    assert nothing is None
    assert all(np.array_equal(*pair) for pair in zip(gradients, alone, strict=True))
    for array, gradient in ((x, of_inputs), *zip(pupil.arrays, gradients, strict=True)):
        assert array.shape == gradient.shape
        for place in np.ndindex(array.shape):
            kept, sides = array[place], []
            for step in (1e-5, -1e-5):
                array[place] = kept + step
                sides.append(loss())
            array[place] = kept
            assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(gradient[place], abs=2e-9)


@pytest.mark.parametrize("name", ["lstm", "gru", "both"])
def test_what_does_not_count_teaches_nothing(name: str) -> None:
    """Steps behind a sequence's end, and sequences without any, change no gradient at all."""
    rng = np.random.default_rng(4)
    pupil = Pupil(LAYERS[name](rng))
    error = rng.normal(size=pupil.forward(X)[-1].shape)
    error[:, 3:], error[2] = 0.0, 0.0
    found, of_inputs = pupil.backward(error, inputs=True)
    assert of_inputs is not None
    assert not of_inputs[:, 3:].any()
    assert not of_inputs[2].any()
    other = X.copy()
    other[:, 3:], other[2] = 7.0, -7.0
    pupil.forward(other)
    for one, two in zip(found, pupil.backward(error)[0], strict=True):
        assert one.any()
        assert np.array_equal(one, two)


def test_zeros_of_a_layout_stay() -> None:
    """A GRU's matrix has blocks without weights: what n is given is of inputs or fed back."""
    live = Live(read(cells(np.random.default_rng(5), "gru", 3, 4, density=1.0)))
    assert len(live.values) == 3 * 4 * (3 + 4) + 16
    live.values[:] = 1.0
    live.put()
    (matrix,) = live.arrays
    assert matrix.shape == (16, 8)
    assert not matrix[8:12, 3:7].any()
    assert not matrix[12:, :3].any()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes(name: str) -> None:
    x = np.linspace(-2, 2, 8)
    rise = (FUNCTIONS[name](x + 1e-6) - FUNCTIONS[name](x - 1e-6)) / 2e-6
    assert np.allclose(SLOPES[name](FUNCTIONS[name](x)), rise)


def test_every_kind_learns() -> None:
    assert set(PASSES) == set(LayerKind) - {LayerKind.CONV}  # which no engine has yet
