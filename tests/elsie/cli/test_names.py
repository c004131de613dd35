"""Messages name options as they were typed; the library names its arguments."""

from pathlib import Path
from typing import Any

import pytest

import elsie
from elsie.cli.main import main
from elsie.options import EngineOptions, meanings
from golden.errors import ArgumentError

DIGITS = Path(__file__).parents[3] / "examples" / "digits"
MODEL, CALIBRATE = DIGITS / "digits-pruned.onnx", DIGITS / "calibrate.npz"
NUMBERS = [name for name in meanings() if name not in ("entry_memory", "act_code", "stages")]


def said(capsys: pytest.CaptureFixture[str], folder: Path, *options: str) -> str:
    """The sentence with which `elsie compile` refuses."""
    out = folder / "n.elsie"
    command = ["compile", MODEL, "--calibrate", CALIBRATE, *options, "--effort", "none", "-o", out]
    assert main([str(word) for word in command]) == 2
    (sentence,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("elsie: ")]
    return sentence


@pytest.mark.parametrize("name", NUMBERS)
def test_every_option_of_the_engine_out_of_range(capsys, tmp_path: Path, name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    sentence = said(capsys, tmp_path, option, "99999")
    assert option in sentence
    assert name not in sentence.replace(option, "")
    given: dict[str, Any] = {name: 99999}
    with pytest.raises(elsie.ElsieError) as caught:
        elsie.compile(MODEL, calibration=CALIBRATE, effort="none", engine=EngineOptions(**given))
    assert name in str(caught.value)
    assert "--" not in str(caught.value)
    assert "`" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--max-drop 101", "--max-drop must be percentage points from 0 to 100, not 101"),
        ("--density 0", "--density must be above 0 and at most 1"),
        ("--density fc9=.5", "--density names layer 'fc9', but model digits-pruned has fc1"),
        ("--balanced pe", "--balanced says how to prune; give a --density too"),
        ("--delta .1,.1", "it has no LSTM or GRU layers; leave out --delta"),
        ("--streams 2 --delta 1,1", "LSTM or GRU layers; leave out --streams and --delta"),
        ("--queue-depth 2 --pes 16", "--queue-depth must be at least"),
        ("--entry-memory spram --group 3 --pes 6", "--group must be even with --entry-memory spra"),
        ("--entry-memory spram --code-width 7", "--code-width 7 and --run-width 2 need 9"),
        (
            "--weights fixed --code-width 8 --weight-width 9",
            "--code-width (8) must equal --weight-",
        ),
        (
            "--acc-width 8",
            "but they have 8; raise --acc-width to 35, or lower --act-width, --weight-",
        ),
        ("--board icebreake", "no board 'icebreake'; there are"),
    ],
)
def test_options_as_they_were_typed(capsys, tmp_path: Path, line: str, text: str) -> None:
    assert text in said(capsys, tmp_path, *line.split())


def test_only_names_of_arguments_change() -> None:
    """Names of files and layers stay as they are."""
    error = ArgumentError("layer pes: `pes` must be even with `cells`, not 'act_width'")
    assert str(error) == "layer pes: pes must be even with cells, not 'act_width'"
    named = error.named({"pes": "--pes", "act_width": "--act-width"})
    assert named == "layer pes: --pes must be even with cells, not 'act_width'"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("compile", MODEL, "--calibrate", CALIBRATE, "--board", "", "-o", "n"), "--board"),
        (("compile", MODEL, "--calibrate", CALIBRATE, "--weights=", "-o", "n"), "--weights"),
        (("compile", MODEL, "--calibrate", "", "-o", "n"), "--calibrate"),
        (("verilog", "", "-o", "n"), "an argument"),
    ],
)
def test_an_empty_argument_is_not_taken_for_none(capsys, words: tuple, name: str) -> None:
    assert main([str(word) for word in words]) == 2
    said = f"elsie: {name} is empty; is it a shell variable that is not set?"
    assert capsys.readouterr().err.splitlines() == [said]
