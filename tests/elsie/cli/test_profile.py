"""`elsie profile`: table, JSON and drawing, and what it refuses."""

import json
from pathlib import Path

import pytest

import elsie
from tests.elsie.cli.test_commands import DIGITS, refused, run

TEST = DIGITS / "test.npz"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "digits.elsie"
    model, data = DIGITS / "digits-pruned.onnx", DIGITS / "calibrate.npz"
    elsie.save(elsie.compile(model, calibration=data, effort="none"), path)
    return path


def test_table_and_json_say_the_same(capsys, net: Path) -> None:
    options = ("profile", net, "--input", TEST, "--model", DIGITS / "digits-pruned.onnx")
    code, out, _ = run(capsys, *options)
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "digits-pruned, 360 samples, beside " in lines["network"]
    code, out, _ = run(capsys, *options, "--json")
    values = json.loads(out)
    assert code == 0
    assert [place["name"] for place in values["places"]] == ["inputs", "fc1", "fc2", "fc3"]
    for place in values["places"]:
        row = lines[place["name"]]
        assert f"{place['steps']}/{place['steps_of']}" in row
        assert f"{place['added']:.3g}" in row
        assert f"{place['agreement']:.1f} %" in row
        assert sum(place["histogram"]["golden"]) == sum(place["histogram"]["float"]) > 0
    assert values["worst"] in lines["most"]


def test_a_picture_has_a_panel_for_each_layer(capsys, net: Path, tmp_path: Path) -> None:
    options = ("profile", net, "--input", TEST, "--plot", tmp_path / "new", "--json")
    code, out, _ = run(capsys, *options)
    assert code == 0
    drawn = Path(json.loads(out)["plot"]).read_text()
    for name in ("inputs", "fc1", "fc2", "fc3"):
        assert f">{name}<" in drawn
    assert (tmp_path / "new" / "digits.svg").exists()


def test_what_is_refused(capsys, net: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    options = ("profile", net, "--input", TEST)
    assert "is not a directory" in refused(capsys, *options, "--plot", tmp_path / "file")
    assert "no such file" in refused(capsys, *options, "--model", tmp_path / "no.onnx")
    sentence = refused(capsys, *options, "--model", DIGITS.parent / "speech" / "speech.onnx")
    assert "give the model that it was compiled from" in sentence
