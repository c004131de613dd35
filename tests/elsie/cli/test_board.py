"""`elsie load`, `run`, `monitor` and `board-sim`, on a simulated board."""

import json
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from tests.boards.gateware.networks import network
from tests.boards.link.script import TINY

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A network and its inputs, with classes."""
    folder = tmp_path_factory.mktemp("board")
    net = network(config=TINY)
    elsie.save(net, folder / "net.elsie")
    x = np.random.default_rng(1).normal(0, 3, (30, net.n_in))
    y = elsie.predict(net, x).classes
    np.savez(folder / "x.npz", x=x, y=y)
    return str(folder / "net.elsie"), str(folder / "x.npz")


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    return code, *capsys.readouterr()


def test_run_as_json(capsys, files: tuple[str, str], tmp_path: Path) -> None:
    net, data = files
    out = tmp_path / "y.npz"
    code, text, _ = run(
        *(capsys, "run", net, "--input", data, "--board", "sim", "--limit", "20"),
        *("--output", str(out), "--json"),
    )
    assert code == 0
    found = json.loads(text)
    assert found["inferences"] == found["equal_to_golden"] == 20
    assert found["cycles"] > 20 * 10
    assert found["seconds"] > 0
    assert found["simulated"]
    assert found["scores"]["accuracy"] == 100
    x = elsie.load_data(data, elsie.load(net)).x[:20]
    assert (np.load(out)["outputs"] == elsie.predict(elsie.load(net), x).outputs).all()


def test_run_for_people(capsys, files: tuple[str, str]) -> None:
    net, data = files
    code, text, _ = run(capsys, "run", net, "--input", data, "--board", "sim", "--limit", "5")
    assert code == 0
    assert "equal to golden        5 of 5" in text
    assert "accuracy               100.00 %" in text
    assert "3000000 baud" in text


def test_load_and_monitor(capsys, files: tuple[str, str]) -> None:
    net, data = files
    code, text, _ = run(capsys, "load", net, "--board", "sim", "--json")
    assert code == 0
    assert json.loads(text)["loaded"] is True
    assert json.loads(text)["loads"] == "everything"
    code, text, _ = run(
        capsys, "monitor", net, "--input", data, "--board", "sim", "--seconds", "2", "--json"
    )
    assert code == 0
    found = json.loads(text)
    assert found["inferences"] >= 1
    assert found["macs"] > 0
    assert found["damaged"] == 0


def test_a_board_that_is_left_alone(capsys, files: tuple[str, str]) -> None:
    code, text, err = run(capsys, "board-sim", files[0], "--seconds", ".3", "--json")
    assert code == 0
    port, *values = text.splitlines()
    assert port.startswith("/dev/")
    assert set(json.loads("\n".join(values))) == {
        "cycles",
        "processor_seconds",
        "million_cycles_per_second",
    }
    assert "none of them loaded yet" in err


def test_bad_input_is_one_sentence(capsys, files: tuple[str, str]) -> None:
    net, data = files
    for arguments, message in (
        (("load", net, "--port", "/dev/no-such-port"), "there is no port /dev/no-such-port"),
        (("run", net, "--input", data, "--port", "x", "--board", "sim"), "give one of them"),
        (("board-sim", net, "--board", "no-such"), "no board 'no-such'"),
    ):
        code, text, err = run(capsys, *arguments)
        assert code == 2
        assert not text
        assert message in err
        assert "Traceback" not in err
