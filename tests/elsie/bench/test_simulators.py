"""`elsie bench sim`: both simulators see golden's events, and a fault in one of them shows."""

import json
from pathlib import Path

import pytest

from elsie.bench import simulators
from elsie.cli.main import main
from rtl.pe.accumulator import Accumulator


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simulators, "_SIZE", 24)
    monkeypatch.setattr(simulators, "_SECONDS", 0.05)
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path))


def test_rates_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sim", "--pes", "2", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["trace_equal"]
    assert values["pes"] == 2
    slow, fast = (values[f"{k}_cycles_per_second"] for k in ("interpreted", "compiled"))
    assert values["ratio"] == fast / slow
    assert values["compiled_cycles"] > 24


def test_a_simulator_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both engines forward nothing, so that sums differ from golden's."""
    monkeypatch.setattr(Accumulator, "hazards", lambda self, begun, row: (begun & 0, begun & 0))
    assert main(["bench", "sim", "--pes", "2"]) == 1
