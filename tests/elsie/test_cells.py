"""Commands that are for single inputs say so of networks with cells."""

from pathlib import Path

import numpy as np
import pytest

import elsie
from cli.main import main
from tests.cells import cell_config, cell_network

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


def test_compile_names_the_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "n.elsie"
    calibrate = ["--calibrate", str(SPEECH / "calibrate.npz")]
    assert main(["compile", str(SPEECH / "speech.onnx"), *calibrate, "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert "speech.onnx: it has LSTM or GRU layers" in said
    assert "Traceback" not in said
    assert not out.exists()


@pytest.mark.parametrize("command", ["predict", "simulate"])
def test_a_net_file_with_cells(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    network = cell_network(np.random.default_rng(1), cell_config())
    net, data = tmp_path / "n.elsie", tmp_path / "x.npz"
    elsie.save(network, net)
    np.savez(data, x=np.zeros((2, network.n_in)))
    assert main([command, str(net), "--input", str(data)]) == 2
    assert "network cells has LSTM or GRU layers" in capsys.readouterr().err


def test_a_net_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    network = cell_network(np.random.default_rng(2), cell_config(delta=True))
    elsie.save(network, tmp_path / "n.elsie")
    read = elsie.load(tmp_path / "n.elsie")
    assert (read.config, read.head, read.threshold) == (network.config, 3, 0)
    for one, other in zip(read.layers, network.layers, strict=True):
        assert (one.kind, one.n_back, one.projected) == (other.kind, other.n_back, other.projected)
        assert np.array_equal(one.peephole, other.peephole)
        assert np.array_equal(one.codes, other.codes)
