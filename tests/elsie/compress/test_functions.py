"""Sigmoid and tanh behind fully connected layers, from a model in float to an engine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import elsie
from elsie.compress.compiler import compile_model
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.functions import FUNCTIONS
from elsie.compress.model.model import Model
from golden.arithmetic.functions import SIGMOID_ERROR, TANH_ERROR
from golden.arithmetic.layers import dense_weights
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.activations import ACTIVATIONS
from golden.format.network import Network
from golden.kinds import LayerKind
from sim.check import simulate

WIDTHS = (12, 16, 10, 6)
NAMES = ("tanh", "sigmoid", "tanh")
ENGINE = EngineConfig(mac="fixed", code_width=12, weight_width=12, act_width=16, pes=4, group=2)  # pyright: ignore[reportArgumentType]
X = np.random.default_rng(0).uniform(-0.9, 0.9, (60, WIDTHS[0]))


def dense(number: int, activation: str, n_in: int, n_out: int) -> FloatDense:
    rng = np.random.default_rng(number)
    return FloatDense(
        name=f"fc{number}",
        weight=rng.normal(0, 1.2 / np.sqrt(n_in), (n_out, n_in)),
        bias=rng.normal(0, 0.3, n_out),
        activation=activation,
    )


def mlp(names: tuple[str, ...] = NAMES) -> Model:
    return Model(
        name="mlp",
        layers=tuple(dense(n, name, *WIDTHS[n : n + 2]) for n, name in enumerate(names)),
    )


def test_the_tables_have_the_same_names() -> None:
    assert list(FUNCTIONS) == list(ACTIVATIONS)


@pytest.mark.parametrize("names", [NAMES, ("relu", "tanh", "sigmoid"), ("sigmoid",) * 3])
def test_outputs_are_within_a_bound_of_float(names: tuple[str, ...]) -> None:
    """E_n <= L (E_(n-1) max row sum |w| + half a bit of the sum) + what the function is off.

    L is the function's steepest slope. Weights here are those that the codes stand for; with the
    model's own, 12-bit weights are all that is added.
    """
    model = mlp(names)
    network = compile_model(model, X, config=ENGINE)
    assert network.config.functions
    bound, real = 0.5 * 2.0 ** -network.layers[0].in_frac, X
    for layer in network.layers:
        made = ACTIVATIONS[layer.activation]
        slope, off = {"tanh": (1, TANH_ERROR), "sigmoid": (0.25, SIGMOID_ERROR)}.get(
            layer.activation, (1, 0.0)
        )
        weights = dense_weights(layer, network) * 2.0**-layer.weight_frac
        bias = layer.bias * 2.0 ** -(layer.weight_frac + layer.in_frac)
        real = FUNCTIONS[layer.activation](real @ weights + bias)
        half = 0.5 * 2.0 ** -made.sum_frac(layer.out_frac)
        bound = slope * (bound * np.abs(weights).sum(axis=0).max() + half) + off
    got = predict(network, X)
    error = np.abs(got - real).max()
    assert 0.05 * bound < error <= bound, "a bound that nothing comes near proves little"
    assert np.abs(got - model.predict(X)).max() < 0.002


def test_an_engine_computes_it() -> None:
    network = compile_model(mlp(), X, config=ENGINE)
    result = simulate(network, X[:2])
    assert result.first_difference() is None
    assert result.equal


def test_relu_alone_needs_no_functions() -> None:
    assert not compile_model(mlp(("relu", "relu", "identity")), X, config=ENGINE).config.functions


def test_outputs_that_are_no_rows_stay_out_of_the_results() -> None:
    """Of 3 outputs on 4 PEs, all 1e-4 at most, none comes second to a row that does not exist."""
    layer = dense(0, "sigmoid", WIDTHS[0], 3)
    low = FloatDense(
        name="low", weight=layer.weight / 10, bias=np.full(3, -10.0), activation="sigmoid"
    )
    network = compile_model(Model(name="low", layers=(low,)), X, config=ENGINE)
    result = simulate(network, X[:1])
    assert result.equal
    positions = set(result.inferences[0].trace.events["output"][:, 1].tolist())
    assert positions <= set(network.layers[0].position.tolist())


def recurrent(activation: str) -> Model:
    rng = np.random.default_rng(3)
    gates: dict[str, Any] = {
        name: rng.normal(0, 0.4, shape)
        for name, shape in (("weight", (4, 5, 6)), ("recurrent", (4, 5, 5)), ("bias", (4, 5)))
    }
    cells = FloatCells(name="lstm", kind=LayerKind.LSTM, **gates)
    return Model(name="rnn", layers=(cells, dense(1, activation, 5, 3)), head=1)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_behind_cells(activation: str) -> None:
    model, x = recurrent(activation), np.random.default_rng(4).uniform(-0.9, 0.9, (20, 7, 6))
    network = compile_model(model, x, config=ENGINE.replace(act_width=8))
    assert (network.config.act_width, network.config.functions) == (16, True)
    assert np.abs(predict(network, x) - model.predict(x)).max() < 0.002


def exported(folder: Path) -> Path:
    """The network as an ONNX file."""
    nodes, constants, x = [], [], "x"
    for layer, op in zip(mlp().layers, ("Tanh", "Sigmoid", "Tanh"), strict=True):
        weight, bias = layer.parameters()
        for name, value in ((f"{layer.name}.w", weight), (f"{layer.name}.b", bias)):
            constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        sums, out = f"{layer.name}.s", f"{layer.name}.y"
        nodes.append(
            helper.make_node(
                "Gemm", [x, f"{layer.name}.w", f"{layer.name}.b"], [sums], transB=1, name=layer.name
            )
        )
        nodes.append(helper.make_node(op, [sums], [out]))
        x = out
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("samples", WIDTHS[0]))],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)],
        constants,
    )
    path = folder / "mlp.onnx"
    path.write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())
    return path


def test_a_board_with_narrow_activations_says_what_to_do(tmp_path: Path) -> None:
    path = exported(tmp_path)
    text = (
        "layer fc0: a sigmoid or tanh needs activations of 16 bits, but the engine's have 8; "
        "use act_width 16"
    )
    with pytest.raises(ElsieError, match=text):
        elsie.compile(path, calibration=X, board="icebreaker", weights="fixed")
    network = elsie.compile(
        path,
        calibration=X,
        board="icebreaker",
        weights="fixed",
        engine=elsie.EngineOptions(act_width=16),
    )
    assert isinstance(network, Network)
    assert network.config.functions
    # Weights of 8 bits cost more.
    assert np.abs(predict(network, X) - mlp().predict(X)).max() < 0.03


def test_sums_without_enough_fraction_bits_are_refused() -> None:
    with pytest.raises(
        ElsieError, match=r"layer fc0: inputs up to .* sigmoid or tanh need 12; normalise the"
    ):
        compile_model(mlp(), X * 1e6, config=ENGINE)
