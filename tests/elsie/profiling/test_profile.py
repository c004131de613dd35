"""A profile says what golden and the float network differ in, and names a bad scale."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.compress.compiler import compile_model
from elsie.compress.kinds.decoded import decoded
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.quality import relative_error
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network
from tests.cells import cell_config, cell_network

EXAMPLES = Path(__file__).parents[3] / "examples"
WIDE = EngineConfig(acc_width=52, act_width=12)


def model_of(*widths: int, seed: int = 1) -> Model:
    rng = np.random.default_rng(seed)
    layers = [
        FloatDense(
            name=f"fc{number}",
            weight=rng.normal(size=(n_out, n_in)),
            bias=rng.normal(size=n_out),
            activation="relu" if number < len(widths) - 2 else "identity",
        )
        for number, (n_in, n_out) in enumerate(pairwise(widths))
    ]
    return Model(name="random", layers=tuple(layers))


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(80, 9))


@pytest.fixture(scope="module")
def network(x: np.ndarray) -> Network:
    options = CompileOptions(strategy="lpt", effort="none")
    return compile_model(model_of(9, 20, 16, 7), x, config=WIDE, options=options)


def shifted(network: Network, number: int, by: int) -> Network:
    """Outputs of a layer with `by` more fraction bits, and all else as it was."""
    layers = list(network.layers)
    old = layers[number]
    layers[number] = replace(old, out_frac=old.out_frac + by, shift=old.shift - by)
    if number + 1 < len(layers):
        after = layers[number + 1]
        bias = np.rint(after.bias * 2.0**by).astype(np.int64)
        layers[number + 1] = replace(
            after, in_frac=after.in_frac + by, shift=after.shift + by, bias=bias
        )
    config = network.config.replace(shift_low=0, shift_high=51, acc_width=52)
    return replace(network, layers=tuple(layers), config=config)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(("by", "said"), [(4, "too fine, and"), (-5, "too coarse")])
def test_a_bad_scale_is_named(
    network: Network, x: np.ndarray, number: int, by: int, said: str
) -> None:
    assert elsie.profile(network, x).remarks == []
    found = elsie.profile(shifted(network, number, by), x)
    named = [remark for remark in found.remarks if "scale" in remark]
    assert len(named) == 1
    assert named[0].startswith(f"layer fc{number}: its scale is {abs(by)} bits {said}")
    assert f"and {network.layers[number].out_frac} suit" in named[0]
    assert found.worst.name == f"fc{number}"
    place = found.places[number + 1]
    assert (place.clipped > 0.05) == (by > 0)
    assert place.best_frac == network.layers[number].out_frac
    if by < 0:
        assert place.steps < elsie.profile(network, x).places[number + 1].steps / 2


def test_inputs_of_another_range_are_named(network: Network, x: np.ndarray) -> None:
    remarks = elsie.profile(network, 8 * x).remarks
    assert remarks[0].startswith("inputs: its scale is 3 bits too fine")


def test_outputs_that_die_are_named(network: Network, x: np.ndarray) -> None:
    """Half of the outputs of fc0 lose their weights and bias."""
    old = network.layers[0]
    gone = np.arange(old.n_out) % 2 == 0
    keep = ~gone[old.rows]
    counts = np.bincount(old.columns[keep], minlength=old.n_columns)
    layer = replace(
        old,
        indptr=np.concatenate(([0], np.cumsum(counts))),
        rows=old.rows[keep],
        codes=old.codes[keep],
        bias=np.where(gone, 0, old.bias),
    )
    damaged = replace(network, layers=(layer, *network.layers[1:]))
    assert elsie.profile(damaged, x).places[1].dead >= 0.5
    # Its own weights say that they are dead; the model that it was made from does not.
    assert not elsie.profile(damaged, x).remarks
    run = profile_of(damaged, decoded(network), x)
    assert run[0].startswith("layer fc0: ")
    assert "of its outputs are 0 for every sample, but not in the float network" in run[0]


def profile_of(network: Network, model: Model, x: np.ndarray) -> list[str]:
    """Remarks on a network beside a model that is in no file."""
    return elsie.profile(network, x, model=model).remarks


def same_as_predict(network: Network, model: Model, x: Any, lengths: Any, found: Any) -> None:
    """The last place is the network's outputs."""
    got, exact = predict(network, x, lengths), model.predict(x, lengths)
    if got.ndim == 3:
        counted = np.arange(got.shape[1]) < np.asarray(lengths)[:, None]
        got, exact = got[counted], exact[counted]
    assert found.places[-1].error == relative_error(got, exact)
    assert found.places[-1].output_error == found.places[-1].error
    same = 100 * np.mean(got.argmax(axis=1) == exact.argmax(axis=1))
    assert found.places[-1].agreement == same
    assert found.places[0].error == found.places[0].added


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("delta", [True, False])
def test_sequences(head: bool, delta: bool) -> None:
    """Cells of both kinds, peepholes, a projection, and steps beyond a sample's length."""
    rng = np.random.default_rng(3)
    config = cell_config(delta=delta, act_lists=16)
    made = cell_network(rng, config, head=head, activations=("identity", "identity"))
    layers = list(made.layers)
    layers[1] = replace(layers[1], bias=0 * layers[1].bias)
    network = replace(made, layers=tuple(layers))
    x, lengths = rng.normal(0, 0.3, (6, 5, network.n_in)), np.array([5, 1, 3, 5, 4, 2])
    found = elsie.profile(network, x, lengths=lengths)
    assert [place.name for place in found.places] == ["inputs", "lstm12", "gru9", "dense5"]
    assert [place.kind for place in found.places] == ["inputs", "lstm", "gru", "dense"]
    assert max(place.added for place in found.places) < 0.01
    same_as_predict(network, decoded(network), x, lengths, found)
    padded = x.copy()
    padded[np.arange(5) >= lengths[:, None]] = 1.0
    assert elsie.profile(network, padded, lengths=lengths) == found
    with pytest.raises(ElsieError, match="layer dense7: a projection with a bias"):
        elsie.profile(made, x)


def test_beside_the_model(x: np.ndarray, network: Network) -> None:
    same_as_predict(network, decoded(network), x, None, elsie.profile(network, x))


def test_inputs_with_positions_of_their_own(x: np.ndarray) -> None:
    """Raw features of very different ranges; `decoded` and the profile are in scaled units."""
    scale = 4.0 ** np.arange(9)
    model = model_of(9, 8, 4)
    first = model.layers[0]
    assert isinstance(first, FloatDense)
    first = replace(first, weight=first.weight / scale)
    model = replace(model, layers=(first, model.layers[1]))
    options = CompileOptions(strategy="lpt", effort="none")
    network = compile_model(model, x * scale, config=WIDE, options=options)
    assert network.input_frac
    found = elsie.profile(network, x * scale)
    assert found.places[0].error < 0.01
    assert found.places[-1].error < 0.02
    assert found.remarks == []


@pytest.fixture(scope="module")
def digits() -> Network:
    return elsie.compile(
        EXAMPLES / "digits/digits-pruned.onnx",
        calibration=EXAMPLES / "digits/calibrate.npz",
        effort="none",
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("speech/speech-gru-pruned", lambda network: network),
        ("digits/digits-pruned", lambda net: replace(net, layers=net.layers[:2])),
    ],
)
def test_another_model_is_refused(
    digits: Network, name: str, make: Callable[[Network], Network]
) -> None:
    with pytest.raises(ElsieError, match=r"onnx: its layers are .* wide, but those of network dig"):
        elsie.profile(make(digits), np.zeros((2, 64)), model=EXAMPLES / f"{name}.onnx")


def test_pruning_counts_beside_the_model(digits: Network) -> None:
    """The dense model beside the pruned network: what the network's own weights cannot show."""
    data, _, _ = elsie.load_data(EXAMPLES / "digits/test.npz", digits)
    own = elsie.profile(digits, data)
    model = elsie.profile(digits, data, model=EXAMPLES / "digits/digits-pruned.onnx")
    dense = elsie.profile(digits, data, model=EXAMPLES / "digits/digits.onnx")
    for ours, theirs, other in zip(own.places[1:], model.places[1:], dense.places[1:], strict=True):
        assert ours.added < theirs.added < other.added
    assert model.places[-1].agreement is not None
    assert model.places[-1].agreement > 98
