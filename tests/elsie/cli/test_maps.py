"""Networks with convolutions, which can be imported and not be compiled yet."""

from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.compress.compiler import compile_model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions
from elsie.compress.search.goal import goal_of
from elsie.compress.search.search import search
from golden.config import EngineConfig
from golden.errors import ElsieError
from tests.elsie.cli.test_commands import refused
from tests.elsie.compress.onnx.maps.graphs import build, node, real

TEXT = (
    "layer c: it is a convolution (or a pool) on maps, which can be imported, but no engine has it "
    "yet; use a model of fully connected, LSTM and GRU layers"
)
X = real(8, 1, 4, 4)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    nodes = [
        *(node("Conv", ["x", "w"], ["c"], name="c"), node("Relu", ["c"], ["r"])),
        *(node("Flatten", ["r"], ["f"]), node("Gemm", ["f", "v"], ["y"], name="g")),
    ]
    proto = build(nodes, (1, 4, 4), w=real(2, 1, 3, 3), v=real(8, 3))
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    np.savez(tmp_path / "x.npz", x=X, y=np.arange(8) % 3)
    return tmp_path / "net.onnx"


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--board", "icebreaker"),
        ("--density", "auto"),
        ("--neurons", "0.5"),
        ("--weights", "fixed:8", "--effort", "best"),
    ],
)
def test_compile(capsys, net: Path, more: tuple[str, ...]) -> None:
    out = net.parent / "net.elsie"
    given = ("--calibrate", net.parent / "x.npz", "-o", out, *more)
    assert TEXT in refused(capsys, "compile", net, *given)
    assert not out.exists()


def test_train(capsys, net: Path) -> None:
    out = net.parent / "trained.onnx"
    assert TEXT in refused(capsys, "train", net, "--data", net.parent / "x.npz", "-o", out)
    assert not out.exists()


def test_from_python(net: Path) -> None:
    model = load_onnx(net)
    with pytest.raises(ElsieError, match="layer c: it is a convolution"):
        elsie.compile(net, calibration=X)
    with pytest.raises(ElsieError, match="layer c: it is a convolution"):
        compile_model(model, X, config=EngineConfig())
    goal = goal_of(budget="30kbit", max_drop=None, preset=None, density=None, weights=None)
    assert goal is not None
    with pytest.raises(ElsieError, match="layer c: it is a convolution"):
        search(model, X, engines={}, goal=goal, options=CompileOptions())
