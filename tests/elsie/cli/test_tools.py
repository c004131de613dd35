# amaranth: UnusedElaboratable=no
"""Every command with every tool that it runs broken: a sentence, the right code, no leftovers."""

from pathlib import Path

import pytest

from elsie.cli.main import main
from sim.compiled import program
from tests.boards.pretended_tools import pretend, pretend_all
from tests.boards.tiny import Echo
from tests.elsie.cli.broken_tools import HANGS, WAYS, break_tool, left, small_net
from toolchain import programs
from toolchain.programs import TOOLS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a cache of its own and no tool chosen."""
    for tool in TOOLS.values():
        monkeypatch.delenv(tool.variable, raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence with which a command refuses."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    (sentence,) = [line for line in err.splitlines() if line.startswith("elsie: ")]
    assert ".elsie-" not in sentence, "the name of a folder that is gone"
    return sentence


def nothing_left(here: Path, *kept: str) -> None:
    """Nothing but `kept` in the working folder, nothing unfinished in cache and /tmp."""
    assert {name for name in left(here) if "/" not in name} == {"small.elsie", "x.npz", *kept}
    assert left(here.parent / "tmp") == set()
    cached = {name for name in left(here.parent / "cache") if not name.endswith(".lock")}
    assert cached <= {"compiled"}


@pytest.mark.parametrize("way", ["true", "traceback", "empty file"])
def test_verilog(here: Path, capsys, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    net, _ = small_net(here)
    monkeypatch.setenv("YOSYS", break_tool(here.parent, way))
    sentence = refused(capsys, "verilog", net, "-o", here / "out.v")
    assert "yosys" in sentence
    nothing_left(here)


BUILDS = [
    *(("icebreaker", name) for name in ("yosys", "nextpnr-ice40", "icepack")),
    *(("ulx3s-85f", name) for name in ("yosys", "nextpnr-ecp5", "ecppack")),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("board", "tool"), BUILDS)
def test_build(
    here: Path, capsys, monkeypatch: pytest.MonkeyPatch, board: str, tool: str, way: str
) -> None:
    net, _ = small_net(here)
    monkeypatch.setattr("boards.gateware.top.BoardTop", lambda **_: Echo())
    pretend_all(here.parent / "tools", monkeypatch, board=board)
    monkeypatch.setenv(TOOLS[tool].variable, break_tool(here.parent, way))
    if way == "rubbish" and tool.endswith("pack"):
        return  # whatever a packer writes is the bitstream
    sentence = refused(capsys, "build", net, "--board", board, "-o", here / "out")
    assert tool in sentence
    assert str(here / "out.failed") in sentence
    nothing_left(here, "out.failed")


@pytest.mark.parametrize(
    ("tool", "way"),
    [*(("C++ compiler", way) for way in WAYS), ("yosys", "true"), ("yosys", "empty file")],
)
def test_compiled_simulation(
    here: Path, capsys, monkeypatch: pytest.MonkeyPatch, tool: str, way: str
) -> None:
    net, data = small_net(here)

    def translated(_: object, work: Path) -> None:
        (work / "part0.cc").write_text("int part;")

    if tool == "yosys":
        monkeypatch.setenv("YOSYS", break_tool(here.parent, way))
    else:
        monkeypatch.setattr(program, "_translate", translated)
        monkeypatch.setenv("CXX", break_tool(here.parent, way))
    sentence = refused(capsys, "simulate", net, "--input", data, "--compiled")
    assert ("yosys" if tool == "yosys" else "/broken") in sentence
    nothing_left(here)


@pytest.mark.parametrize("way", WAYS)
def test_doctor(here: Path, capsys, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """It has every tool checked, and fails for what is needed; a C++ compiler is not."""
    broken = break_tool(here.parent, way)
    for variable in ("CXX", *(tool.variable for tool in TOOLS.values())):
        monkeypatch.setenv(variable, broken)
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    for name in TOOLS:
        assert "FAILED" in lines[name], lines
        assert name in out.splitlines()[list(out.splitlines()).index(lines[name]) + 1]
    assert "optional" in lines["C++ compiler"]
    assert left(here) == left(here.parent / "tmp") == set()


def test_a_tool_that_hangs_while_it_tells_its_version(
    here: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor gives up; anything else may take hours, and is ended with Ctrl-C."""
    monkeypatch.setattr(programs, "_ANSWER", 0.2)
    for tool in TOOLS.values():
        monkeypatch.setenv(tool.variable, pretend(here.parent / "slow", HANGS))
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert told.count("did not end within 0.2 s, so it was stopped") == len(TOOLS)
    assert left(here.parent / "tmp") == set()
