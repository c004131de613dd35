"""`elsie compile` with a goal: the front, the sizes of each layer, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import elsie
from golden.errors import ArgumentError
from tests.elsie.cli.test_commands import DIGITS, refused, run, small_onnx

RNG = np.random.default_rng(4)
WEIGHT = RNG.normal(size=(24, 10))


@pytest.fixture
def given(tmp_path: Path) -> tuple[object, ...]:
    """The command without a goal."""
    model = small_onnx(tmp_path / "m.onnx", WEIGHT, op="Identity")
    np.save(tmp_path / "x.npy", np.random.default_rng(5).normal(size=(60, 24)))
    rest = ("--calibrate", tmp_path / "x.npy", "--pes", 2, "--group", 1, "--act-width", 8)
    return ("compile", model, *rest, "-o", tmp_path / "n.elsie")


def test_a_budget_and_its_front(capsys, tmp_path: Path, given: tuple[object, ...]) -> None:
    goal = ("--budget", "2.2kbit", "--weights", "log")
    code, out, _ = run(capsys, *given, *goal, "--json")
    assert code == 0
    values = json.loads(out)
    assert values["size_bits"]["stored"] <= values["search"]["budget_bits"] == 2200
    (chosen,) = [row for row in values["front"] if row["chosen"]]
    assert set(chosen) == {
        *("weights", "density", "densities", "bits", "cycles", "drop", "relative_error", "chosen"),
    }
    assert chosen["weights"].startswith("log:")
    assert chosen["bits"] == values["size_bits"]["stored"]
    loaded = elsie.load(tmp_path / "n.elsie")
    assert [choice.to_dict() for choice in loaded.info.front] == values["front"]
    # The same for people, and the same bytes.
    first = (tmp_path / "n.elsie").read_bytes()
    code, out, err = run(capsys, *given, *goal)
    assert (tmp_path / "n.elsie").read_bytes() == first
    (line,) = [line for line in out.splitlines() if line.startswith(">")]
    assert f"{chosen['weights']}" in line
    assert f"{chosen['bits'] / 1000:.1f} kbit" in line
    assert "percent of samples with another class than in the float network, on 60 held" in out
    assert "not of accuracy" in out
    assert "tried log:4 at density" in err


def test_python_has_the_same_options(capsys, tmp_path: Path, given: tuple[object, ...]) -> None:
    goal = ("--density", "auto", "--max-drop", "40", "--weights", "auto", "--code-width", 4)
    assert run(capsys, *given, *goal)[0] == 0
    network = elsie.compile(
        tmp_path / "m.onnx",
        calibration=tmp_path / "x.npy",
        density="auto",
        weights="auto",
        max_drop=40,
        engine=elsie.EngineOptions(pes=2, group=1, act_width=8, code_width=4),
    )
    elsie.save(network, tmp_path / "p.elsie")
    assert (tmp_path / "p.elsie").read_bytes() == (tmp_path / "n.elsie").read_bytes()
    tried = {row.weights for row in network.info.front}
    assert tried <= {"codebook:4", "fixed:4", "log:4", "log-sqrt2:4", "twn:4", "ttq:4"}


def test_a_goal_that_is_missed_leaves_no_file(
    capsys, tmp_path: Path, given: tuple[object, ...]
) -> None:
    code, out, err = run(capsys, *given, "--budget", "100bit")
    assert (code, out) == (1, "")
    assert "elsie: network m: the smallest that was found takes" in err
    assert "--budget allows 0.1 kbit" in err
    assert not (tmp_path / "n.elsie").exists()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--budget 30", "--budget must be a size above 0 with its unit, such as 30kbit"),
        ("--budget 80%", "--budget 80%: a share needs --board, whose memory it is of"),
        ("--budget 1kbit --density .1", "leave out --density, or give auto"),
        ("--density auto", "--density auto needs a goal: --budget, such as 30kbit, or --max-drop"),
        ("--weights auto", "--weights auto is for a search: give --budget, or --density auto with"),
        ("--budget 1kbit --max-drop 101", "--max-drop must be percentage points from 0 to 100"),
        ("--budget 1kbit --code-width 9 --weights log", "--code-width must be from 2 to 5"),
    ],
)
def test_refusals(capsys, given: tuple[object, ...], line: str, text: str) -> None:
    assert text in refused(capsys, *given, *line.split())


def test_python_names_its_arguments(tmp_path: Path) -> None:
    model = small_onnx(tmp_path / "m.onnx", WEIGHT)
    with pytest.raises(ArgumentError, match=r"^budget must be a size.*not '3 parsec'"):
        elsie.compile(model, calibration=np.ones((50, 24)), budget="3 parsec")


def test_sizes_of_each_layer(capsys, tmp_path: Path) -> None:
    """They add up to the sizes of the network; `--verbose` shows them."""
    target = tmp_path / "n.elsie"
    command = ("compile", DIGITS / "digits-pruned.onnx", "--calibrate", DIGITS / "calibrate.npz")
    command = (*command, "--effort", "none", "--board", "icebreaker", "-o", target)
    code, out, _ = run(capsys, *command, "--json")
    assert code == 0
    values = json.loads(out)
    each = [layer["sizes"] for layer in values["layers"]]
    for name in ("float32", "pruned", "shared"):
        assert sum(one[name] for one in each) == values["sizes"][name]["bits"]
    assert sum(one["on_chip"]["total"] for one in each) == values["sizes"]["on_chip"]["bits"]
    for one in each:
        parts = {name: bits for name, bits in one["on_chip"].items() if name != "total"}
        assert set(parts) == {"entries", "pointers", "codebook", "biases"}
        assert sum(parts.values()) == one["on_chip"]["total"]
        assert all(parts.values())
    plain = run(capsys, *command)[1]
    verbose = run(capsys, *command, "--verbose")[1]
    assert verbose.startswith(plain)
    header, *rows = [line.split() for line in verbose[len(plain) :].splitlines()]
    assert header[:4] == ["KiB", "float32", "pruned", "shared"]
    assert [row[0] for row in rows] == ["fc1", "fc2", "fc3"]
    assert float(rows[0][-1]) == pytest.approx(each[0]["on_chip"]["total"] / 8192, abs=0.005)
