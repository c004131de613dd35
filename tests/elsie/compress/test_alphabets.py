"""Layers of different alphabets through the compiler: what they keep, and what is refused."""

from typing import Any

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.options import CompileOptions
from elsie.compress.quantise.kinds import with_weights
from golden.arithmetic.run import predict
from golden.config import EngineConfig, MacKind
from golden.errors import ElsieError
from golden.format import netfile
from golden.format.layer import locate_rows
from golden.format.network import Network
from tests.elsie.compress.test_compile_cells import cells
from tests.elsie.compress.test_compile_cells import model as cell_model
from tests.sim.test_alphabets import X, compiled, model

BASE = EngineConfig.from_dict({"pes": 2, "group": 2, "act_width": 8, "acc_width": 53})


def real(network: Network, number: int) -> np.ndarray:
    """Weights of a layer as real numbers, 0 where there is no entry."""
    layer = network.layers[number]
    found = np.zeros((layer.n_out, layer.n_in))
    weights = np.ldexp(layer.weights(network.config), -layer.weight_frac)
    found[layer.rows, layer.columns] = weights
    return found


@pytest.mark.parametrize("effort", ["none", "fast"])
@pytest.mark.parametrize("weights", ["log:4", "ternary", "log-sqrt2:4", "fixed:4"])
def test_a_codebook_computes_what_an_engine_of_its_own_does(weights: str, effort: str) -> None:
    """Shared weights are those of the kind, so all layers' outputs are the same numbers."""
    own = compiled(weights, effort=effort)
    assert own.config.mac.value == weights.partition(":")[0]
    asked = {None: weights, "fc2": "codebook:1"}
    mixed = compile_model(
        model(),
        X,
        config=with_weights(BASE, asked),
        options=CompileOptions(weights=asked, effort=effort),
    )
    assert mixed.config.mac is MacKind.CODEBOOK
    for number in (0, 1):
        assert np.array_equal(real(mixed, number), real(own, number))
        assert np.array_equal(mixed.layers[number].bias, own.layers[number].bias)


def test_uniform_networks_are_what_they_were() -> None:
    """Named by weights, or by the engine alone: the same bytes."""
    for weights in ("codebook", "log", "fixed", "ternary"):
        config = with_weights(BASE, weights)
        plain = compile_model(model(), X, config=config)
        named = compile_model(model(), X, config=config, options=CompileOptions(weights=weights))
        assert netfile.dump(named) == netfile.dump(plain)


def test_the_report_names_what_is_not_the_engines_own() -> None:
    mixed = compiled("codebook:4,fc1=ttq")
    assert [layer.weights for layer in mixed.info.layers] == [None, "ttq:1", None]
    binary = compiled("binary")
    assert [layer.weights for layer in binary.info.layers] == ["binary:1"] * 3
    assert all(layer.weights is None for layer in compiled("log").info.layers)


def test_binary_keeps_every_weight_and_ternary_does_not() -> None:
    assert [layer.nnz for layer in compiled("binary").layers] == [54, 63, 28]
    for weights in ("twn", "ttq", "ternary"):
        assert all(layer.nnz < layer.n_in * layer.n_out for layer in compiled(weights).layers)


@pytest.mark.parametrize("weights", ["binary", "twn", "ttq", "codebook:4,fc1=binary"])
def test_least_squares_lose_less(weights: str) -> None:
    """Values solved for, and weights by coordinate descent, beside rounding."""
    wanted = model().predict(X)

    def lost(effort: str) -> float:
        made = compiled(weights, effort=effort)
        return float(np.mean((predict(made, X) - wanted) ** 2) / np.mean(wanted**2))

    assert lost("fast") < 0.7 * lost("none")


def test_balanced_pruning_of_mixed_layers() -> None:
    """Nothing is dropped that would make PEs less even."""
    network = compiled("ttq,fc0=codebook:3", density=0.5, balanced="pe")
    for layer, nnz in zip(network.layers, (27, 32, 14), strict=True):
        pe, _ = locate_rows(network.config, layer)
        each = np.bincount(pe[layer.rows], minlength=2)
        assert each.sum() == nnz
        assert each.max() - each.min() <= 1


def refused(message: str, weights: Any, given: Any = None, **options: Any) -> None:
    x = X if given is None else np.random.default_rng(1).normal(size=(3, 5, 6))
    with pytest.raises(ElsieError, match=message):
        compile_model(
            given or model(),
            x,
            config=BASE.replace(act_width=8 if given is None else 16),
            options=CompileOptions(weights=weights, **options),
        )


def test_refusals() -> None:
    refused("layer fc1: binary weights have no 0, so none can be pruned", "fc1=binary", density=0.5)
    refused("weights names layer 'x', but the model has fc0, fc1, fc2", "x=binary")
    refused("weights fixed:12: layers of different alphabets", "fixed:12,fc1=binary")
    rng = np.random.default_rng(5)
    looking = cell_model(rng, cells(rng, "lstm", 6, 4, peepholes=True))
    for weights in ("binary", "ttq", "twn", "ternary"):
        refused(
            f"layer lstm: it has peepholes, which are all stored, and {weights} weights",
            f"lstm={weights}",
            looking,
        )


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_cells_may_have_an_alphabet_of_their_own(kind: str) -> None:
    rng = np.random.default_rng(6)
    network = compile_model(
        cell_model(rng, cells(rng, kind, 6, 4)),
        rng.normal(size=(20, 5, 6)),
        config=BASE.replace(act_width=16),
        options=CompileOptions(weights=f"codebook:4,{kind}=ttq"),
    )
    assert network.config.mac is MacKind.CODEBOOK
    cell, head = (np.unique(layer.weights(network.config)) for layer in network.layers)
    assert len(cell) == 2
    assert len(head) > 4
