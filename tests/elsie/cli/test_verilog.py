"""`elsie verilog --testbench`: a folder that needs no Python."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from tests.networks import random_network, small_config


@pytest.fixture
def net(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    config = small_config([6, 5, 4], pes=2, group=1, mac="fixed")
    elsie.save(random_network(rng, config, [6, 5, 4], density=0.5), tmp_path / "net.elsie")
    np.savez(tmp_path / "x.npz", x=rng.normal(0, 60, (5, 6)))
    return tmp_path / "net.elsie"


def call(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_the_folder_stands_on_its_own(net: Path, tmp_path: Path, capsys) -> None:
    target, data = tmp_path / "folder", tmp_path / "x.npz"
    assert call("verilog", net, "--testbench", data, "--limit", 2, "-o", target, "--json") == 0
    assert json.loads(capsys.readouterr().out)["verilog"] == str(target)
    names = ("engine.v", "testbench.v", "parameters.vh", "Makefile")
    vectors = ("inputs.hex", "expected.hex", "counters.hex")
    assert {path.name for path in target.iterdir()} == {*names, *vectors}
    assert {path.name for path in tmp_path.iterdir()} == {"net.elsie", "x.npz", "folder"}
    assert "// Elsie's engine with network 'random'" in (target / "engine.v").read_text()
    if shutil.which("iverilog") is None:
        pytest.skip("not simulated: iverilog is not installed (apt install iverilog)")
    done = subprocess.run(["make", "-s"], cwd=target, capture_output=True, text=True, check=True)
    assert done.stdout == "PASS: 2 steps\n"


def test_what_is_refused(net: Path, tmp_path: Path, capsys) -> None:
    data = tmp_path / "x.npz"
    for arguments, message in (
        (("--limit", 3, "-o", tmp_path / "a.v"), "--limit is for --testbench"),
        (("--testbench", data, "-o", tmp_path), "already exists; name a new folder"),
        (("--testbench", data, "-o", tmp_path / "no/folder"), "its directory does not exist"),
        (("--testbench", data, "-o", data), "is not a directory"),
        (("--testbench", net, "-o", tmp_path / "folder"), "NET file"),
    ):
        assert call("verilog", net, *arguments) == 2
        assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"net.elsie", "x.npz"}
