"""Float models: forward pass and refusals."""

import numpy as np
import pytest

from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from golden.errors import ElsieError
from golden.kinds import LayerKind


def layer(name: str = "fc", weight=((1.0, -2.0),), bias=(0.5,), activation: str = "relu"):
    return FloatDense(
        name=name, weight=np.array(weight), bias=np.array(bias), activation=activation
    )


def test_forward_is_relu_of_the_affine_map() -> None:
    model = Model(name="m", layers=(layer("a"), layer("b", ((2.0,),), (-1.0,), "identity")))
    seen: list[np.ndarray] = []
    last = model.predict([[1.0, 0.0], [0.0, 1.0]], rounding=lambda _, v: seen.append(v) or v)
    first, second, third = seen
    assert first.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert second.tolist() == [[1.5], [0.0]]
    assert third.tolist() == last.tolist() == [[2.0], [-1.0]]
    assert (model.n_in, model.n_out) == (2, 1)


def test_lengths_choose_the_last_step() -> None:
    """Of what the same model gives in every step; without lengths, the last of all."""
    rng = np.random.default_rng(1)
    cells = FloatCells(
        name="lstm",
        kind=LayerKind.LSTM,
        weight=rng.normal(size=(4, 3, 2)),
        recurrent=rng.normal(size=(4, 3, 3)),
        bias=rng.normal(size=(4, 3)),
    )
    model = Model(name="m", layers=(cells,), head=1)
    x, lengths = rng.normal(size=(4, 5, 2)), [1, 3, 5, 2]
    steps = Model(name="m", layers=(cells,)).predict(x)
    assert steps.shape == (4, 5, 3)
    expected = [steps[nth, length - 1] for nth, length in enumerate(lengths)]
    assert model.predict(x, lengths).tolist() == np.array(expected).tolist()
    assert model.predict(x).tolist() == steps[:, 4].tolist()


def test_refusals() -> None:
    with pytest.raises(ElsieError, match="layer fc: the weight must be a matrix"):
        layer(weight=(1.0, 2.0))
    with pytest.raises(ElsieError, match=r"layer fc: the bias must have shape \(1,\)"):
        layer(bias=(1.0, 2.0))
    with pytest.raises(ElsieError, match="layer fc: the weight has values that are NaN"):
        layer(weight=((np.nan, 1.0),))
    with pytest.raises(ElsieError, match="layer fc: the bias has values that are NaN"):
        layer(bias=(np.inf,))
    with pytest.raises(ElsieError, match="layer fc: activation must be one of relu, identity, tan"):
        layer(activation="softmax")
    with pytest.raises(ElsieError, match="model m: it has no layers"):
        Model(name="m", layers=())
    with pytest.raises(ElsieError, match="two layers share one name"):
        Model(name="m", layers=(layer(weight=((1.0,),)), layer(weight=((1.0,),))))
    with pytest.raises(ElsieError, match="layer b: it takes 2 inputs but layer a has 1 outputs"):
        Model(name="m", layers=(layer("a"), layer("b")))
