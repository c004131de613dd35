"""Recurrent models compiled: structure, closeness to float, and RTL == golden."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from boards.registry import find
from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions
from elsie.compress.place import layers
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import LayerKind
from sim.check import simulate_steps
from sim.stimuli import Step
from tests.cases import halved

GENEROUS = {
    "fixed": (12, 12),
    "codebook": (8, 16),
    "log": (5, 16),
    "log-sqrt2": (6, 16),
    "ternary": (1, 2),
}


def engine(mac: str = "fixed", **changes: object) -> EngineConfig:
    code, weight = GENEROUS[mac]
    fields = {"pes": 4, "group": 2, "act_width": 16, "code_width": code, "weight_width": weight}
    return EngineConfig.from_dict({**fields, "mac": mac, "acc_width": 48, **changes})


def cells(
    rng: np.random.Generator,
    kind: str,
    n_in: int,
    n: int,
    *,
    projected: int = 0,
    peepholes: bool = False,
    density: float = 0.5,
) -> FloatCells:
    what = LayerKind(kind)
    gates, back = (4 if kind == "lstm" else 3), projected or n

    def matrix(*shape: int) -> np.ndarray:
        values = rng.normal(0, 1 / np.sqrt(shape[-1] * density), shape)
        return np.where(rng.random(shape) < density, values, 0)

    return FloatCells(
        name=kind,
        kind=what,
        weight=matrix(gates, n, n_in),
        recurrent=matrix(gates, n, back),
        bias=rng.normal(0, 0.3, (gates, n)),
        bias_recurrent=rng.normal(0, 0.3, n) if kind == "gru" else None,
        peephole=rng.normal(0, 0.3, (3, n)) if peepholes else None,
        projection=matrix(projected, n) if projected else None,
    )


def model(rng: np.random.Generator, *layers: FloatCells, head: bool = True) -> Model:
    last = layers[-1].n_out
    dense = FloatDense(
        name="head",
        weight=rng.normal(0, 0.3, (3, last)),
        bias=rng.normal(0, 1, 3),
        activation="identity",
    )
    return Model(name="m", layers=(*layers, dense), head=len(layers) if head else None)


MODELS = {
    "lstm": lambda rng: model(rng, cells(rng, "lstm", 6, 10)),
    "gru": lambda rng: model(rng, cells(rng, "gru", 6, 10)),
    "projected": lambda rng: model(
        rng, cells(rng, "lstm", 6, 12, projected=5, peepholes=True), head=False
    ),
    "stacked": lambda rng: model(rng, cells(rng, "lstm", 6, 9), cells(rng, "gru", 9, 7)),
}


@pytest.mark.parametrize("name", MODELS)
def test_golden_is_close_to_float(name: str) -> None:
    """12-bit weights are off by 2**-12 of the largest at most; measured .0007 where it is most."""
    rng = np.random.default_rng(1)
    float_model = MODELS[name](rng)
    x = rng.normal(0, 1, (12, 20, 6))
    lengths = rng.integers(5, 21, 12)
    network = compile_model(float_model, x, config=engine(), lengths=lengths)
    expected, got = float_model.predict(x, lengths), predict(network, x, lengths)
    if network.head is None:
        valid = np.arange(20) < lengths[:, None]
        expected, got = expected[valid], got[valid]
    assert np.abs(expected - got).max() < 0.002
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize(("name", "mac"), halved(MODELS, GENEROUS))
def test_rtl_is_golden(name: str, mac: str) -> None:
    rng = np.random.default_rng(2)
    float_model = MODELS[name](rng)
    x = rng.normal(0, 1, (4, 6, 6))
    if name == "projected" and mac in ("log-sqrt2", "ternary"):
        with pytest.raises(ElsieError, match="layer lstm: it has peepholes, which are all stored"):
            compile_model(float_model, x, config=engine(mac))
        return
    network = compile_model(float_model, x, config=engine(mac))
    integers = np.rint(x[0] * 2.0 ** network.layers[0].in_frac).astype(np.int64)
    steps = [
        Step(x=row[None], reset=(nth == 0,), answer=network.head is None or nth == 1)
        for nth, row in enumerate(integers[:2])
    ]
    assert simulate_steps(network, steps).equal


def test_the_projection_is_a_layer_of_its_own() -> None:
    rng = np.random.default_rng(3)
    network = compile_model(MODELS["projected"](rng), rng.normal(size=(3, 5, 6)), config=engine())
    assert [layer.kind.value for layer in network.layers] == ["lstm", "dense", "dense"]
    assert network.layers[0].projected
    assert network.layers[0].n_back == 5
    assert network.layers[0].peephole.shape == (12, 3)
    assert network.head is None


@pytest.mark.parametrize("mac", ["fixed", "codebook", "log"])
def test_a_peephole_of_0_gets_the_weight_nearest_to_0(mac: str) -> None:
    """All peepholes are stored, and code 0 of a codebook is its most negative weight."""
    rng = np.random.default_rng(14)
    whole = cells(rng, "lstm", 6, 12, peepholes=True)
    assert whole.peephole is not None
    gone = rng.random((3, 12)) < 0.5
    layer = dataclasses.replace(whole, peephole=np.where(gone, 0.0, whole.peephole))
    network = compile_model(model(rng, layer), rng.normal(size=(3, 5, 6)), config=engine(mac))
    made, config = network.layers[0], network.config
    assert gone.any()
    weights = np.abs(made.decode(config, np.arange(1 << config.code_width)))
    looks = np.abs(made.decode(config, made.peephole))
    # Cells may be placed in another order, so count them.
    assert (looks == weights.min()).sum() >= gone.sum()
    assert weights.min() <= weights.max() // 64


@pytest.mark.parametrize("effort", ["none", "fast"])
@pytest.mark.parametrize("bits", [1, 2])
def test_a_codebook_has_a_place_for_peepholes_of_0(bits: int, effort: str) -> None:
    """However few values it has: where none are 0 there is no such place."""
    rng = np.random.default_rng(15)
    whole = cells(rng, "lstm", 6, 12, peepholes=True)
    assert whole.peephole is not None
    gone = rng.random((3, 12)) < 0.5

    def books(peephole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        layer = dataclasses.replace(whole, peephole=peephole)
        network = compile_model(
            model(rng, layer),
            rng.normal(size=(50, 5, 6)),
            config=engine("codebook", code_width=bits),
            options=CompileOptions(effort=effort),
        )
        made = network.layers[0]
        return made.codebook, made.decode(network.config, made.peephole)

    codebook, looks = books(np.where(gone, 0.0, whole.peephole))
    assert len(set(codebook.tolist())) == 1 << bits
    assert (looks == 0).sum() == gone.sum()
    codebook, looks = books(whole.peephole)
    assert codebook.all()
    assert looks.all()


def test_density_prunes_each_gate() -> None:
    rng = np.random.default_rng(4)
    dense = model(rng, cells(rng, "lstm", 8, 10, density=1.0))
    network = compile_model(
        dense,
        rng.normal(size=(3, 5, 8)),
        config=engine(),
        options=CompileOptions(density={"lstm": 0.25}),
    )
    layer = network.layers[0]
    gate, inputs = layer.rows // 10, layer.columns < 8
    for number in range(4):
        assert ((gate == number) & inputs).sum() == 20
        assert ((gate == number) & ~inputs).sum() == 25


@pytest.mark.parametrize(
    ("x", "lengths", "text"),
    [
        (np.zeros((3, 6)), None, "takes (samples, steps, 6)"),
        (np.full((3, 5, 6), np.nan), None, "NaN"),
        (np.zeros((3, 5, 6)), [1, 2, 6], "lengths must be from 1 to the number of steps, 5"),
    ],
)
def test_refusals(x: np.ndarray, lengths: list[int] | None, text: str) -> None:
    rng = np.random.default_rng(5)
    with pytest.raises(ElsieError) as raised:
        compile_model(MODELS["lstm"](rng), x, config=engine(), lengths=lengths)
    assert text in str(raised.value)


def test_a_model_that_ends_with_cells_has_no_answer() -> None:
    rng = np.random.default_rng(6)
    bare = Model(name="bare", layers=(cells(rng, "lstm", 6, 4),), head=1)
    with pytest.raises(ElsieError, match="add a fully connected layer after it"):
        compile_model(bare, rng.normal(size=(2, 3, 6)), config=engine())


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_the_scale_of_inputs_does_not_matter(kind: str, scale: float) -> None:
    """The same function of inputs and input weights that are scaled against each other."""
    rng = np.random.default_rng(7)
    float_model = MODELS[kind](rng)
    first, head = float_model.layers
    assert isinstance(first, FloatCells)
    scaled = Model(
        name="m",
        layers=(dataclasses.replace(first, weight=first.weight / scale), head),
        head=1,
    )
    x = rng.normal(0, 1, (12, 20, 6))
    network = compile_model(scaled, x * scale, config=engine())
    assert np.abs(float_model.predict(x) - predict(network, x * scale)).max() < 0.003
    assert (network.info.layers[0].lost or 0) <= 2


def test_inputs_that_leave_no_fraction_are_refused() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(ElsieError, match=r"layer lstm: .* normalise the inputs to about 1"):
        compile_model(MODELS["lstm"](rng), 1e5 * rng.normal(size=(4, 6, 6)), config=engine())


def test_lost_weights_are_told() -> None:
    rng = np.random.default_rng(9)
    float_model = MODELS["lstm"](rng)
    first, head = float_model.layers
    assert isinstance(first, FloatCells)
    # Recurrent weights far below the others are 0 at the scale they share.
    tiny = dataclasses.replace(first, recurrent=first.recurrent * 1e-6)
    x = rng.normal(size=(4, 6, 6))
    plain = CompileOptions(effort="none")
    network = compile_model(
        Model(name="m", layers=(tiny, head), head=1), x, config=engine(), options=plain
    )
    lost = np.count_nonzero(first.recurrent)
    assert (network.info.layers[0].lost or 0) >= lost
    network = compile_model(float_model, x, config=engine(), options=plain)
    assert (network.info.layers[0].lost or 0) < lost / 10


def test_an_unknown_layer_in_density_is_named() -> None:
    rng = np.random.default_rng(10)
    with pytest.raises(ElsieError, match="density names layer 'nosuch', but model m has lstm"):
        compile_model(
            MODELS["lstm"](rng),
            rng.normal(size=(2, 3, 6)),
            config=engine(),
            options=CompileOptions(density={"nosuch": 0.1}),
        )


def test_entry_memories_are_evened_over_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer's assignment is told what the PEs hold of those before."""
    told: list[list[int]] = []
    real = layers.assign_rows

    def noted(config: EngineConfig, stored: object, **given: Any) -> np.ndarray:
        told.append(given["held"].tolist())
        return real(config, stored, **given)

    monkeypatch.setattr(layers, "assign_rows", noted)
    rng = np.random.default_rng(11)
    network = compile_model(MODELS["stacked"](rng), rng.normal(size=(3, 5, 6)), config=engine())
    so_far = np.cumsum([layer.nnz for layer in network.layers])
    assert [sum(one) for one in told] == [0, *so_far[:-1]]


def test_a_board_needs_whole_outputs_in_every_step() -> None:
    rng = np.random.default_rng(3)
    headless = Model(name="headless", layers=(cells(rng, "gru", 5, 6),))
    x = rng.normal(0, 1, (2, 3, 5))
    delta = CompileOptions(delta=(0.1, 0.1))
    assert compile_model(headless, x, config=engine(), options=delta).config.delta
    options = dataclasses.replace(delta, preset=find("ulx3s-85f").preset)
    with pytest.raises(ElsieError, match="compile it without --delta"):
        compile_model(headless, x, config=engine(), options=options)


def test_states_get_as_many_fraction_bits_as_they_leave() -> None:
    """A cell that adds 1 in every step reaches 20, which 16 bits hold with 10 fraction bits."""
    rng = np.random.default_rng(12)
    one = cells(rng, "lstm", 6, 4, peepholes=True)
    counting = dataclasses.replace(
        one,
        weight=np.zeros_like(one.weight),
        recurrent=np.zeros_like(one.recurrent),
        bias=np.full((4, 4), 10.0),
        peephole=np.zeros((3, 4)),
    )
    x = rng.normal(0, 1, (3, 20, 6))
    assert compile_model(model(rng, counting), x, config=engine()).config.state_frac == 10
    short = compile_model(model(rng, counting), x, config=engine(), lengths=[7, 5, 3])
    assert short.config.state_frac == 12
