# amaranth: UnusedElaboratable=no
"""The ledger of area and timing: its rows are the configurations', and can be made again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from elsie.bench.fpga import ledger
from elsie.bench.fpga import measure as measuring
from elsie.bench.fpga.configurations import CONFIGURATIONS, Configuration, find
from elsie.bench.fpga.path import longest
from elsie.cli.main import main
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode
from tests.boards.pretended_tools import pretend, pretend_all

SMALL = "hx8k-4-codebook"
FILES = sorted(ledger.FOLDER.glob("*.json"))


def test_every_file_of_the_ledger_belongs_to_a_configuration() -> None:
    assert {path.stem for path in FILES} <= set(CONFIGURATIONS)
    assert SMALL in {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rows_are_of_the_configurations_as_they_are(path: Path) -> None:
    """A configuration that is changed must be measured again."""
    row, configuration = ledger.load(path.stem), find(path.stem)
    assert row is not None
    assert json.dumps(row.to_dict(), indent=2) + "\n" == path.read_text()
    assert row.name == path.stem
    # A field that is newer than the row has its default.
    assert EngineConfig.from_dict({**row.engine}) == configuration.engine
    assert row.network.sizes == configuration.sizes
    assert row.network.density == configuration.density
    for name in ("device", "board", "seeds", "clock_mhz", "asked_mhz"):
        assert getattr(row, name) == getattr(configuration, name)
    clocks = sorted(row.clocks_mhz)
    assert len(clocks) == row.seeds
    assert (row.fmax_mhz, row.fmax_max) == (clocks[0], clocks[-1])
    assert row.fmax_median == round(float(np.median(clocks)), 2)
    assert (row.synth, row.pnr) == (configuration.synth, configuration.pnr)
    if row.path is not None:
        assert row.path.ns == pytest.approx(1000 / row.fmax_mhz, rel=0.01)
    assert (row.useful_gmacs is None) == (row.utilisation is None) == (not configuration.eie)
    assert row.met == (row.fmax_mhz >= row.clock_mhz)
    assert row.lut_per_pe == round(row.lut / row.pes, 1)
    assert row.tools == measuring.tools(configuration.family)


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=lambda c: c.name)
def test_networks_fill_the_memories_the_same_way_each_time(configuration: Configuration) -> None:
    first, second = (configuration.network() for _ in range(2))
    used = encode(first).used
    assert used["entries"] * 3 > configuration.engine.entry_depth
    for one, other in zip(first.layers, second.layers, strict=True):
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.rows, other.rows)


@pytest.mark.bitstream
def test_a_small_configurations_netlist_is_the_ledgers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All figures follow from it and from the tools' versions, which the row has too."""
    monkeypatch.chdir(tmp_path)
    row = ledger.load(SMALL)
    assert row is not None
    measuring.write(find(SMALL), tmp_path)
    measuring.synthesise(find(SMALL), tmp_path)
    assert measuring.netlist_hash(tmp_path) == row.netlist


@pytest.mark.long
@pytest.mark.bitstream
def test_a_small_configuration_measured_again_is_as_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its first seed; what is not of the clocks is equal, and so is that seed's clock."""
    monkeypatch.chdir(tmp_path)  # where the work is done
    row = ledger.load(SMALL)
    assert row is not None
    first = row.clocks_mhz[0]
    expected = replace(row, seeds=1, clocks_mhz=(first,), met=first >= row.clock_mhz)
    expected = replace(expected, fmax_mhz=first, fmax_median=first, fmax_max=first)
    made = measuring.measure(replace(find(SMALL), seeds=1))
    assert made.path is not None
    assert made.path.ns == pytest.approx(1000 / first, rel=0.01)
    # The ledger's is that of the worst seed.
    assert replace(made, path=row.path) == expected
    assert not list(tmp_path.iterdir())


ROUTED = """
import json
seed = int(sys.argv[sys.argv.index("--seed") + 1])
open("ran", "a").write(f"{seed} ")
if seed == 3 and not os.path.exists("../../allowed"):
    sys.exit("seed 3 broke")
used = dict(used=1, available=9)
cells = dict(ICESTORM_LC=used, ICESTORM_RAM=used)
fmax = dict(clk=dict(achieved=60.0 + seed, constraint=60.0))
step = dict(type="clk-to-q", delay=0.5, to=dict(cell="b_SB_DFF_Q"))
step["from"] = dict(cell="a_SB_DFF_Q")
wire = {**step, "type": "routing", "delay": 1.5, "net": "a"}
path = {"from": "posedge clk", "to": "posedge clk", "path": [step, wire]}
made = dict(utilization=cells, fmax=fmax, critical_paths=[path])
open(f"pnr-{seed}.json", "w").write(json.dumps(made))
"""


def test_finished_seeds_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that breaks off goes on where it was; other RTLIL or options begin again."""
    tools = pretend_all(tmp_path / "tools", monkeypatch)
    counts = {"design": {"num_cells_by_type": {"SB_LUT4": 8, "SB_DFFE": 2}}}
    pretend(
        tools / "yosys",
        f"open('stat.json', 'w').write({json.dumps(counts)!r}); open('top.json', 'w').write('net')",
    )
    nextpnr = tools / "nextpnr-ice40"
    log = tmp_path / "ran"
    pretend(nextpnr, "import os\n" + ROUTED.replace('"ran"', repr(str(log))))
    chosen, kept = replace(find(SMALL), seeds=4), tmp_path / "kept"
    with pytest.raises(ElsieError, match="nextpnr-ice40, seed 3: seed 3 broke"):
        measuring.measure(chosen, kept=kept)
    assert log.read_text() == "1 2 3 "
    (folder,) = kept.iterdir()
    (folder / "allowed").touch()
    said: list[str] = []
    row = measuring.measure(chosen, kept=kept, jobs=2, progress=said.append)
    assert sorted(log.read_text().split()) == ["1", "2", "3", "3", "4"]
    assert f"{SMALL}: nextpnr-ice40 with 2 seeds, 2 are done already" in said
    assert row.clocks_mhz == (61.0, 62.0, 63.0, 64.0)
    assert (row.fmax_mhz, row.fmax_median, row.fmax_max) == (61.0, 62.5, 64.0)
    assert (row.seeds, row.met) == (4, True)
    assert measuring.measure(replace(chosen, seeds=2), kept=kept).clocks_mhz == (61.0, 62.0)
    (routed,) = folder.glob("routed-*")
    assert {path.name for path in folder.iterdir()} == {
        *("allowed", "stat.json", "top.il", "top.json", routed.name)
    }
    assert sorted(path.name for path in routed.iterdir()) == [f"pnr-{n}.json" for n in range(1, 5)]
    # Other options of place and route take the same netlist, others of synthesis another.
    one = replace(chosen, seeds=1)
    measuring.measure(replace(one, pnr=("--tmg-ripup",)), kept=kept)
    assert (len(list(kept.iterdir())), len(list(folder.glob("routed-*")))) == (1, 2)
    measuring.measure(replace(one, synth=("-noabc9",)), kept=kept)
    assert len(list(kept.iterdir())) == 2


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ledger.Row]:
    """Makes a measurement give the ledger's row, with changes; returns the row."""

    def pretended(**changes: Any) -> ledger.Row:
        row = ledger.load(SMALL)
        assert row is not None
        row = replace(row, **changes)
        monkeypatch.setattr(measuring, "measure", lambda _, **options: row)
        return row

    return pretended


def test_measuring_what_the_ledger_says_is_success(
    measured: Callable[..., ledger.Row], capsys: pytest.CaptureFixture[str]
) -> None:
    row = measured()
    assert main(["bench", "fpga", "--measure", SMALL, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["equal"] is True
    assert said["rows"] == [row.to_dict()]


@pytest.mark.parametrize(("field", "value"), [("lut", 1), ("fmax_mhz", 0.5), ("spram", 3)])
def test_any_difference_is_said_and_is_a_failure(
    measured: Callable[..., ledger.Row],
    capsys: pytest.CaptureFixture[str],
    field: str,
    value: float,
) -> None:
    was = getattr(measured(), field)
    measured(**{field: value})
    assert main(["bench", "fpga", "--measure", SMALL]) == 1
    assert f"{field} is {value} and was {was}" in capsys.readouterr().err


def test_update_writes_the_row(
    measured: Callable[..., ledger.Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = measured(lut=7)
    monkeypatch.setattr(ledger, "FOLDER", tmp_path / "ledger")
    assert main(["bench", "fpga", "--measure", SMALL]) == 1  # no row yet
    assert main(["bench", "fpga", "--measure", SMALL, "--update"]) == 0
    assert ledger.load(SMALL) == row
    assert [path.name for path in ledger.FOLDER.iterdir()] == [f"{SMALL}.json"]


def test_the_whole_ledger_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "fpga", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["name"] for row in rows} == {path.stem for path in FILES}
    needed = {"device", "board", "pes", "mac", "lut", "lut_per_pe", "ff", "bram", "dsp"}
    needed |= {"clock_mhz", "fmax_mhz", "fmax_median", "fmax_max", "seeds", "useful_gmacs"}
    for row in rows:
        assert needed <= set(row)
    assert main(["bench", "fpga"]) == 0
    assert SMALL in capsys.readouterr().out


def test_longest_paths_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "fpga", "--paths"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    row = ledger.load(SMALL)
    assert row is not None
    path = row.path
    assert path is not None
    assert f"{SMALL} {row.fmax_mhz} MHz with the worst of {row.seeds} seeds" in out
    assert f"{path.ns} ns, {100 * path.routing:.0f} % of it wires" in out
    assert f"without which {1000 / (path.ns * (1 - path.routing)):.0f} MHz" in out
    assert f"block RAM {100 * (row.bram or 0) / row.available['bram']:.0f} %" in out
    assert f"from {path.begin} to {path.end} its slowest net {path.net}" in out


def _step(kind: str, ns: float, begin: str, end: str, net: str = "") -> dict[str, Any]:
    return {"type": kind, "delay": ns, "from": {"cell": begin}, "to": {"cell": end}, "net": net}


def test_the_longest_path_of_the_right_clock() -> None:
    begin, end = "engine.pe0.head_TRELLIS_FF_Q_3", "engine.pe1.sum_LUT4_D_Z_CCU2C_S0"
    long = [
        _step("clk-to-q", 0.5, begin, begin),
        _step("routing", 1.0, begin, "l", "engine.pe0.head[2]"),
        _step("logic", 0.2, "l", "l"),
        _step("routing", 2.0, "l", end, "engine.hold_LUT4_Z"),
        _step("setup", 0.3, end, end),
    ]
    other = [_step("clk-to-q", 9.0, begin, end)]
    route = {
        "fmax": {
            "clk": {"achieved": 250.0, "constraint": 80.0},
            "usb": {"achieved": 1.0, "constraint": 48.0},
        },
        "critical_paths": [
            {"from": "<async>", "to": "posedge clk", "path": other},
            {"from": "posedge usb", "to": "posedge usb", "path": other},
            {"from": "posedge clk", "to": "posedge clk", "path": long},
        ],
    }
    assert longest(route, clock_mhz=80.0).to_dict() == {
        "begin": "pe0.head",
        "end": "pe1.sum",
        "ns": 4.0,
        "routing": 0.75,
        "net": "hold",
        "net_ns": 2.0,
    }
    with pytest.raises(ElsieError, match="no path at 33 MHz"):
        longest(route, clock_mhz=33.0)


def test_useful_gmacs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PEs x worst clock x mean utilisation of the same engine."""
    seen: list[EngineConfig] = []

    def layers(plan: Any) -> Any:
        assert (plan.pes, plan.group) == ((64,), 8)
        seen.append(plan.base)
        return SimpleNamespace(rows=[SimpleNamespace(useful_utilisation=u) for u in (0.9, 0.8)])

    monkeypatch.setattr(measuring, "run", layers)
    chosen = find("ecp5-85f-64-codebook").engine
    found = measuring.utilisation(chosen, print)
    assert seen == [chosen]
    assert found == pytest.approx(0.85)
    assert measuring._useful_gmacs(64, 100.0, found) == 5.44
    assert measuring._useful_gmacs(64, 100.0, None) is None


def test_what_cannot_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "fpga", "--measure", "ecp5-1000"]) == 2
    assert "ecp5-1000" in capsys.readouterr().err
    assert main(["bench", "fpga", "--update"]) == 2
    assert "--measure" in capsys.readouterr().err
    assert main(["bench", "fpga", "--measure", SMALL, "--update", "--seeds", "2"]) == 2
    assert "leave out --seeds" in capsys.readouterr().err
    assert main(["bench", "fpga", "--measure", SMALL, "--update", "--pnr=-q"]) == 2
    assert "leave out --pnr" in capsys.readouterr().err
    assert main(["bench", "fpga", "--synth=-dff"]) == 2
    assert "--synth needs --measure" in capsys.readouterr().err
    with pytest.raises(ElsieError, match="there are"):
        find("nothing")
