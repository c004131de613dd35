"""A module in somebody's loop ends at its density, on its alphabet, and the compiler keeps it."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.compress.kinds.decoded import decoded
from elsie.compress.onnx.registry import load_onnx
from golden.errors import ElsieError

pytestmark = pytest.mark.long
KINDS = ["codebook", "codebook:2", "fixed:4", "log", "log-sqrt2", "ternary", "twn", "ttq"]


def same_weights(path: Path, network) -> None:
    """The file's and those that the compiler's codes stand for."""
    for before, after in zip(load_onnx(path).layers, decoded(network).layers, strict=True):
        pairs = zip(before.parts(), after.parts(), strict=True)
        for one, other in (
            (a, b) for x, y in pairs for a, b in zip(x.matrices, y.matrices, strict=True)
        ):
            assert np.array_equal(one, other.astype(np.float32))


@pytest.mark.parametrize("weights", KINDS)
@pytest.mark.parametrize("name", ["linear", "lstm", "gru"])
def test_the_compiler_keeps_the_weights(name: str, weights: str, tmp_path: Path) -> None:
    from tests.elsie.pytorch.networks import STEPS, Run, compiled

    run = Run(name, density=0.4, weights=weights).train(STEPS)
    network = compiled(run, tmp_path / "small.onnx", weights)
    same_weights(tmp_path / "small.onnx", network)
    report = run.session.report()
    assert all(row.exact for row in report)
    total = sum(np.count_nonzero(w) for n, w in run.weights().items() if "weight" in n)
    size = sum(w.size for n, w in run.weights().items() if "weight" in n)
    assert total <= 0.4 * size + 6
    becomes_0 = weights in ("fixed:4", "ttq")
    assert total >= (0.3 if becomes_0 else 0.4) * size - 6
    # The float network of the file answers as the module does.
    x = run.x[:9]
    assert np.allclose(
        load_onnx(tmp_path / "small.onnx").predict(x), run.model(x).detach(), atol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "weights"),
    [("linear", None), ("lstm", "codebook"), ("gru", "log"), ("linear", "ttq")],
)
def test_resumed_it_is_as_unbroken(name: str, weights: str | None, tmp_path: Path) -> None:
    from tests.elsie.pytorch.networks import STEPS, Run

    given = {"density": 0.3, "weights": weights}
    whole = Run(name, **given).train(STEPS).weights()
    for done in (50, 95, 115):  # pruning; the alphabet, before and after codes stand
        Run(name, **given).train(done).save(tmp_path / "state.pt")
        other = Run(name, **given).load(tmp_path / "state.pt").train(STEPS - done).weights()
        assert all(np.array_equal(whole[key], other[key]) for key in whole)
    # And the state matters: without it the rest of the run gives others.
    run = Run(name, **given).train(95)
    fresh = Run(name, **given)
    fresh.model.load_state_dict(run.model.state_dict())
    fresh.session._done = 95
    with_none = fresh.train(STEPS - 95).weights()
    assert not all(np.array_equal(whole[key], with_none[key]) for key in whole)


def test_convolutions_too_but_for_the_compiler(tmp_path: Path) -> None:
    from tests.elsie.pytorch.networks import STEPS, Run

    run = Run("conv", density={"0": 0.5, "3": 0.5, "4.1": 0.3}, weights="codebook:3").train(STEPS)
    first, second, _ = run.session.finalize(tmp_path / "conv.onnx")
    assert (first.density, second.density) == (0.5, 0.5)
    assert first.values <= 8
    with pytest.raises(ElsieError, match="Conv"):
        elsie.compile(tmp_path / "conv.onnx", calibration=run.x.numpy())


def test_layers_of_their_own() -> None:
    from tests.elsie.pytorch.networks import STEPS, Run

    density = {"cells.weight_hh_l0": 0.2, "cells.0": 0.5, "head": 0.25}
    run = Run("gru", density=density, weights="head=ternary,cells.1=codebook:1")
    weights = run.train(STEPS).weights()
    kept = {name: np.count_nonzero(w) / w.size for name, w in weights.items()}
    assert kept["cells.weight_hh_l0"] == pytest.approx(0.2, abs=0.01)
    assert kept["cells.weight_ih_l0"] == 0.5
    assert kept["cells.weight_ih_l1"] == 1
    report = {row.name: row for row in run.session.report()}
    assert report["cells.1"].values == 2
    assert report["head"].values == 2
    assert report["cells.0"].values > 50
    assert report["cells.0"].weights is None


def test_a_teacher_pulls() -> None:
    import torch

    from tests.elsie.pytorch.networks import Run

    run = Run("linear", density=0.5)
    run.session._teacher = run.teacher
    out = run.model(run.x).detach().clone().requires_grad_()
    assert float(run.session.loss(out, run.x).detach()) == pytest.approx(0, abs=1e-6)
    moved = (out.detach() + torch.linspace(-1, 1, 5)).requires_grad_()
    run.session.loss(moved, run.x).backward()
    # The gradient of elsie.compress.train, which the trainer in numpy has.
    from elsie.compress.train.gradients import taught

    wanted = taught(moved.detach().numpy(), out.detach().numpy(), scores=True)
    assert moved.grad is not None
    assert np.allclose(moved.grad.numpy(), wanted, atol=1e-6)


def test_refusals(tmp_path: Path) -> None:
    from torch import nn

    import elsie.torch
    from tests.elsie.pytorch.networks import Run, network

    lstm = network("lstm")
    shared = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    shared[1].weight = shared[0].weight
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (lstm, {"weights": "codebook"}, "layer cells.0: .* give prepare the calibration data"),
        (lstm, {"density": {"tail": 0.1}}, "density names layer 'tail', but there are cells.0, "),
        (lstm, {"density": {"head": 2}}, "layer head: density must be above 0"),
        (
            lstm,
            {"weights": {"tail": "log"}},
            "weights names layer 'tail', but the model has cells.0, ",
        ),
        (lstm, {"weights": "code"}, "no kind of weights 'code'"),
        (lstm, {"weights": "log:x"}, "write KIND or KIND:BITS"),
        (lstm, {"weights": "head=binary", "density": 0.5}, "layer head: binary weights have no 0"),
        (nn.ReLU(), {}, "model ReLU has no layer to prune"),
        (nn.LSTM(2, 2, bidirectional=True), {}, "layer lstm: it is bidirectional"),
        (shared, {}, "layers 0 and 1 share their weights"),
    ]
    for model, options, said in cases:
        with pytest.raises(ElsieError, match=said):
            elsie.torch.prepare(model, total_steps=9, **options)
    run = Run("linear", density=0.5)
    with pytest.raises(ElsieError, match="0 of the 120 steps that prepare was told of are done"):
        run.session.finalize(tmp_path / "no.onnx")
    with pytest.raises(ElsieError, match="no teacher"):
        run.session.loss(run.model(run.x), run.x)
    run.train(120)
    with pytest.raises(ElsieError, match="the 120 steps that prepare was told of are done"):
        run.session.step()
    with pytest.raises(ElsieError, match="of a session with other layers or total_steps"):
        run.session.load_state_dict(Run("lstm").session.state_dict())
