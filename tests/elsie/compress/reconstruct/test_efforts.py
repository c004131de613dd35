"""Whole networks at every effort: accuracy, zeros and balance kept, the same bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.compress.compiler import compile_model
from elsie.compress.kinds.gates import stacked, unstacked
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from elsie.compress.reconstruct.effort import EFFORTS, Effort
from examples.speech import accuracy as speech
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format import netfile
from golden.format.layer import locate_rows
from golden.format.network import Network
from tests.elsie.compress.test_compile_cells import MODELS
from tests.elsie.compress.test_compile_cells import engine as cells_engine


def digits_net(
    digits: Path, name: str = "digits", mac: str = "codebook", **options: Any
) -> Network:
    with np.load(digits / "calibrate.npz") as calibrate, np.load(digits / "test.npz") as test:
        return compile_model(
            load_onnx(digits / f"{name}.onnx"),
            calibrate["x"],
            config=with_weights(EngineConfig(), mac),
            options=CompileOptions(strategy="lpt", **options),
            evaluate=Evaluation(x=test["x"], labels=test["y"]),
        )


def golden(network: Network) -> float:
    return network.info.figures["accuracy"]["golden"]


def test_accuracy_is_kept(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert golden(digits_net(digits, density=0.15, effort="none")) < 60
    assert golden(digits_net(digits, density=0.15)) > 96
    monkeypatch.setitem(EFFORTS, "normal", Effort(masks=True, distil=300))  # type: ignore[index]
    brief = digits_net(digits, density=0.1, effort="normal")
    assert golden(brief) > golden(digits_net(digits, density=0.1)) > 92
    assert digits_net(digits, density=0.1, effort="normal").layers[0].codes.tolist() == (
        brief.layers[0].codes.tolist()
    )


def test_gradual_pruning_shares_the_budget(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brief = Effort(masks=True, distil=200, rounds=3, between=100)
    monkeypatch.setitem(EFFORTS, "best", brief)  # type: ignore[index]
    network = digits_net(digits, density=0.1, effort="best")
    sizes = [layer.n_in * layer.n_out for layer in network.layers]
    kept = [layer.nnz for layer in network.layers]
    assert sum(kept) <= sum(round(0.1 * size) for size in sizes)
    assert kept[2] > 0.2 * sizes[2]
    assert golden(network) > 94
    each = digits_net(digits, density={"fc1": 0.1}, effort="best")
    assert each.layers[0].nnz <= round(0.1 * sizes[0])
    assert each.layers[2].nnz > 0.8 * sizes[2]


def test_a_pruned_model_keeps_its_zeros_and_log_loses_little(digits: Path) -> None:
    network = digits_net(digits, "digits-pruned", "log")
    model = load_onnx(digits / "digits-pruned.onnx")
    for layer, given in zip(network.layers, model.layers, strict=True):
        assert given.parts()[0].matrices[0][0][layer.rows, layer.columns].all()
    accuracy = network.info.figures["accuracy"]
    assert accuracy["golden"] > accuracy["float"] - 1
    assert golden(digits_net(digits, "digits-pruned", "log", effort="none")) < 96


@pytest.mark.parametrize("per", ["pe", "column"])
def test_balance_is_kept(digits: Path, per: str) -> None:
    network = digits_net(digits, density=0.25, balanced=per)
    for layer in network.layers:
        pe, _ = locate_rows(network.config, layer)
        counts = np.bincount(pe[layer.rows], minlength=network.config.pes)
        assert counts.max() - counts.min() <= 1
    assert golden(network) > 95


@pytest.mark.parametrize("per", ["pe", "column"])
def test_balance_is_kept_in_steps(
    random_model: Callable[..., Model], per: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = Effort(masks=True, distil=20, rounds=2, between=10)
    monkeypatch.setitem(EFFORTS, "best", brief)  # type: ignore[index]
    network = compile_model(
        random_model(16, 24, 8, density=1.0),
        np.random.default_rng(5).normal(size=(80, 16)),
        config=EngineConfig(),
        options=CompileOptions(density=0.25, balanced=per, effort="best"),
    )
    for layer in network.layers:
        pe, _ = locate_rows(network.config, layer)
        counts = np.bincount(pe[layer.rows], minlength=network.config.pes)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", ["projected", "stacked"])
def test_cells_at_every_effort(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One budget for all gates and the head, or each its own; the same bytes every time."""
    brief = Effort(masks=True, distil=20, rounds=2, between=10)
    monkeypatch.setitem(EFFORTS, "best", brief)  # type: ignore[index]
    x = np.random.default_rng(5).normal(size=(6, 8, 6))
    made = {}
    for way, density in (("free", 0.3), ("again", 0.3), ("each", {"lstm": 0.3})):
        made[way] = compile_model(
            MODELS[name](np.random.default_rng(1)),
            x,
            config=cells_engine(),
            lengths=[8, 3, 5, 1, 8, 2],
            options=CompileOptions(density=density, effort="best"),
        )
        netfile.save(made[way], tmp_path / way)
    assert (tmp_path / "free").read_bytes() == (tmp_path / "again").read_bytes()
    model = MODELS[name](np.random.default_rng(1))
    gates = [
        gate
        for layer in model.layers
        for part in layer.parts()
        for m in part.matrices
        for gate in m
    ]
    budget = sum(min(max(1, round(0.3 * g.size)), np.count_nonzero(g)) for g in gates)
    assert 0.9 * budget < sum(layer.nnz for layer in made["free"].layers) <= budget
    first, n = made["each"].layers[0], model.layers[0].parts()[0].matrices[0].shape[1]
    for gate in range(4):
        inputs = (first.rows // n == gate) & (first.columns < 6)
        assert inputs.sum() <= round(0.3 * 6 * n)


def test_equal_inputs_give_equal_files(
    random_model: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = Effort(masks=True, distil=20, rounds=2, between=10)
    monkeypatch.setitem(EFFORTS, "best", brief)  # type: ignore[index]
    samples = np.random.default_rng(5).normal(size=(20, 8))
    options = CompileOptions(density=0.3, effort="best")
    for name in ("one", "two"):
        model = random_model(8, 12, 4, density=1.0)
        network = compile_model(model, samples, config=EngineConfig(), options=options)
        netfile.save(network, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    (note,) = network.info.notes
    assert "distilled on 20 samples to calibrate with; below 64" in note


def test_an_unknown_effort_is_refused(random_model: Callable[..., Model]) -> None:
    options = CompileOptions(effort="some")
    with pytest.raises(ElsieError, match="no effort 'some'; there are none, fast, normal, best"):
        compile_model(random_model(8, 4), np.ones((2, 8)), config=EngineConfig(), options=options)


@pytest.mark.parametrize("name", ["speech", "speech-gru"])
def test_cells(name: str) -> None:
    model, words = load_onnx(speech.FOLDER / f"{name}.onnx"), speech.words("calibrate")
    cells = model.layers[0]
    inputs, back, bias = stacked(cells)  # pyright: ignore[reportArgumentType]
    again = unstacked(cells, np.hstack((inputs, back, bias[:, None])))  # pyright: ignore
    for one, other in zip(cells.parameters(), again.parameters(), strict=True):
        assert np.array_equal(one, other)
    test = speech.words("test")
    found = [
        compile_model(
            model,
            words.x,
            config=speech.ENGINE,
            lengths=words.lengths,
            options=CompileOptions(density=0.3, effort=effort, strategy="lpt"),
            evaluate=Evaluation(x=test.x, lengths=test.lengths, labels=test.y),
        )
        for effort in ("none", "fast")
    ]
    assert golden(found[1]) > max(97.5, golden(found[0]))
