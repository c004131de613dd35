"""Networks with convolutions on the command line: from a file to equal RTL, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from elsie.compress.onnx.registry import load_onnx
from tests.elsie.cli.test_commands import refused
from tests.elsie.compress.onnx.maps.graphs import build, node, real

X = np.random.default_rng(3).uniform(0, 1, size=(12, 1, 4, 6))


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A convolution, a residual with a pool, a depthwise layer, an average."""
    nodes = [
        *(node("Conv", ["x", "a"], ["c"], name="c", pads=[1] * 4), node("Relu", ["c"], ["r"])),
        *(node("Conv", ["r", "b"], ["d"], name="d", pads=[1] * 4), node("Add", ["d", "r"], ["s"])),
        node("Relu", ["s"], ["q"]),
        node("MaxPool", ["q"], ["t"], kernel_shape=[2, 2], strides=[2, 2]),
        *(node("Conv", ["t", "e"], ["f"], name="f", group=4), node("Relu", ["f"], ["g"])),
        *(node("GlobalAveragePool", ["g"], ["m"]), node("Flatten", ["m"], ["n"])),
        node("Gemm", ["n", "w"], ["y"], name="g"),
    ]
    arrays = {"a": real(4, 1, 3, 3), "b": real(4, 4, 3, 3) / 3, "e": real(4, 1, 1, 2)}
    proto = build(nodes, (1, 4, 6), **arrays, w=real(4, 3))
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    np.savez(tmp_path / "x.npz", x=X, y=np.arange(12) % 3)
    return tmp_path / "net.onnx"


def ran(capsys: pytest.CaptureFixture[str], *arguments: Any) -> Any:
    """What a command prints as JSON."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_from_a_file_to_equal_rtl(capsys: pytest.CaptureFixture[str], net: Path) -> None:
    data, out = net.parent / "x.npz", net.parent / "net.elsie"
    found = ran(capsys, "compile", net, "--calibrate", data, "-o", out, "--act-width", 8)
    assert [layer["name"] for layer in found["layers"]] == ["c", "d", "f", "layer3", "g"]
    assert found["quality"]["relative_error"] < 0.15
    predicted = ran(capsys, "predict", out, "--input", data, "--timing", 1)
    assert predicted["samples"] == 12
    simulated = ran(capsys, "simulate", out, "--input", data, "--limit", 1)
    assert simulated["outputs_equal"] == simulated["trace_equal"] == 1
    assert simulated["cycles_per_inference"]["rtl"] == predicted["timing"]["cycles"]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            ("--density", "auto", "--max-drop", "1"),
            "it is a convolution (or a pool) on maps, and a search",
        ),
        (("--budget", "30kbit"), "and a search (--budget, --density auto) does not take these yet"),
        (("--neurons", "0.5"), "for which there is no --neurons 0.5 yet; leave it out"),
        (("--rank", "4"), "no --rank 4 yet"),
        (("--density", "0.5", "--balanced"), "no --balanced column yet"),
        (("--entry-memory", "spram"), "no --entry-memory spram yet"),
        (("--act-code", "log"), "no --act-code log yet"),
        (("--stages", "elastic"), "no --stages fifo, grant, store, choose yet"),
        (("--weights", "twn"), "layer d: it adds a map unchanged or averages one, and twn weights"),
    ],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], net: Path, more: tuple[str, ...], text: str
) -> None:
    out = net.parent / "net.elsie"
    given = ("--calibrate", net.parent / "x.npz", "-o", out, *more)
    assert text in refused(capsys, "compile", net, *given)
    assert not out.exists()


def test_training_is_refused(capsys: pytest.CaptureFixture[str], net: Path) -> None:
    out = net.parent / "trained.onnx"
    text = "layer c: it is a convolution (or a pool) on maps, and 'elsie train' does not take"
    assert text in refused(capsys, "train", net, "--data", net.parent / "x.npz", "-o", out)
    assert not out.exists()


def test_inputs_of_another_shape(capsys: pytest.CaptureFixture[str], net: Path) -> None:
    """Flat, with axes of one left out, or refused with the shape that is wanted."""
    folder, out = net.parent, net.parent / "net.elsie"
    ran(capsys, "compile", net, "--calibrate", folder / "x.npz", "-o", out)
    wanted = elsie.predict(elsie.load(out), X).outputs
    for shape in ((12, 24), (12, 4, 6)):
        np.savez(folder / "other.npz", x=X.reshape(shape))
        found = ran(capsys, "predict", out, "--input", folder / "other.npz")
        assert np.array_equal(found["outputs"], wanted)
    np.savez(folder / "other.npz", x=X.reshape(12, 6, 4))
    text = "takes (samples, 1, 4, 6), which are channels, rows, columns, or flat (samples, 24)"
    assert text in refused(capsys, "predict", out, "--input", folder / "other.npz")
    assert text in refused(capsys, "compile", net, "--calibrate", folder / "other.npz", "-o", out)


def test_channels_last(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that takes (rows, columns, channels) gives a network that does, too."""
    nodes = [
        *(node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), node("Conv", ["t", "a"], ["c"])),
        *(node("Relu", ["c"], ["r"]), node("Flatten", ["r"], ["f"])),
        node("Gemm", ["f", "w"], ["y"]),
    ]
    proto = build(nodes, (4, 5, 2), a=real(3, 2, 2, 2), w=real(36, 4))
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    x = np.random.default_rng(1).uniform(0, 1, (9, 4, 5, 2))
    np.savez(tmp_path / "x.npz", x=x)
    out, data = tmp_path / "net.elsie", tmp_path / "x.npz"
    given = ("--weights", "fixed:12", "--effort", "none")
    ran(capsys, "compile", tmp_path / "net.onnx", "--calibrate", data, "-o", out, *given)
    network = elsie.load(out)
    assert (network.input_shape, network.input_axes) == ((2, 4, 5), (1, 2, 0))
    found = ran(capsys, "predict", out, "--input", data)
    exact = load_onnx(tmp_path / "net.onnx").predict(x)
    assert np.linalg.norm(found["outputs"] - exact) < 0.01 * np.linalg.norm(exact)
    np.savez(data, x=x.transpose(0, 3, 1, 2))
    assert ran(capsys, "predict", out, "--input", data)["outputs"] == found["outputs"]
    profile = ran(capsys, "profile", out, "--input", data, "--model", tmp_path / "net.onnx")
    assert max(place["error"] for place in profile["places"]) < 0.01
