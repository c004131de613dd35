# amaranth: UnusedElaboratable=no
"""The ledger of area and timing: its rows are the configurations', and can be made again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.bench.fpga import ledger
from elsie.bench.fpga import measure as measuring
from elsie.bench.fpga.configurations import CONFIGURATIONS, Configuration, find
from elsie.cli.main import main
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode

SMALL = "hx8k-4-codebook"
FILES = sorted(ledger.FOLDER.glob("*.json"))


def test_every_file_of_the_ledger_belongs_to_a_configuration() -> None:
    assert {path.stem for path in FILES} <= set(CONFIGURATIONS)
    assert SMALL in {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rows_are_of_the_configurations_as_they_are(path: Path) -> None:
    """A configuration that is changed must be measured again."""
    row, configuration = json.loads(path.read_text()), find(path.stem)
    assert row["name"] == path.stem
    # A field that is newer than the row has its default.
    assert EngineConfig.from_dict(row["engine"]) == configuration.engine
    assert row["network"]["sizes"] == list(configuration.sizes)
    assert row["network"]["density"] == configuration.density
    for name in ("device", "board", "seed", "clock_mhz"):
        assert row[name] == getattr(configuration, name)
    assert (row["synth"], row["pnr"]) == (list(configuration.synth), list(configuration.pnr))
    assert row["met"] == (row["fmax_mhz"] >= row["clock_mhz"])
    assert row["lut_per_pe"] == round(row["lut"] / row["pes"], 1)
    assert row["tools"] == measuring.tools(configuration.family)


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=lambda c: c.name)
def test_networks_fill_the_memories_the_same_way_each_time(configuration: Configuration) -> None:
    first, second = (configuration.network() for _ in range(2))
    used = encode(first).used
    assert used["entries"] * 3 > configuration.engine.entry_depth
    for one, other in zip(first.layers, second.layers, strict=True):
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.rows, other.rows)


@pytest.mark.bitstream
def test_a_small_configuration_measured_again_is_as_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the work is done
    assert measuring.measure(find(SMALL)) == ledger.load(SMALL)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The row that a pretended measurement returns; a copy of the ledger's, to be changed."""
    row = ledger.load(SMALL)
    assert row is not None
    monkeypatch.setattr(measuring, "measure", lambda _, progress=None: row)
    return row


def test_measuring_what_the_ledger_says_is_success(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "fpga", "--measure", SMALL, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["equal"] is True
    assert said["rows"] == [measured]


@pytest.mark.parametrize(("field", "value"), [("lut", 1), ("fmax_mhz", 0.5), ("new", 3)])
def test_any_difference_is_said_and_is_a_failure(
    measured: dict[str, Any], capsys: pytest.CaptureFixture[str], field: str, value: float
) -> None:
    was = measured.get(field)
    measured[field] = value
    assert main(["bench", "fpga", "--measure", SMALL]) == 1
    assert f"{field} is {value} and was {was}" in capsys.readouterr().err


def test_update_writes_the_row(
    measured: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "FOLDER", tmp_path / "ledger")
    assert main(["bench", "fpga", "--measure", SMALL]) == 1  # no row yet
    measured["lut"] = 7
    assert main(["bench", "fpga", "--measure", SMALL, "--update"]) == 0
    assert ledger.load(SMALL) == measured
    assert [path.name for path in ledger.FOLDER.iterdir()] == [f"{SMALL}.json"]


def test_the_whole_ledger_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "fpga", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["name"] for row in rows} == {path.stem for path in FILES}
    needed = {"device", "board", "pes", "mac", "lut", "lut_per_pe", "ff", "bram", "dsp"}
    for row in rows:
        assert needed | {"fmax_mhz", "seed"} <= set(row)
    assert main(["bench", "fpga"]) == 0
    assert SMALL in capsys.readouterr().out


def test_what_cannot_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "fpga", "--measure", "ecp5-1000"]) == 2
    assert "ecp5-1000" in capsys.readouterr().err
    assert main(["bench", "fpga", "--update"]) == 2
    assert "--measure" in capsys.readouterr().err
    with pytest.raises(ElsieError, match="there are"):
        find("nothing")
