# amaranth: UnusedElaboratable=no
"""One PE: its events come at golden's distances, its sums are right, its drain starts in time."""

from typing import Any

import pytest

from golden.config import EngineConfig
from golden.format import layout
from golden.timing.schedule import Latencies
from rtl.load import LoadTarget
from rtl.pe.pe import ProcessingElement, commit_latency
from tests.rtl.helpers import drive, tiny_config

WATCH = {
    "push": "queue.push",
    "pop": "entry.pop",
    "issue": "entry.issuing",
    "commit": "sums.commit",
    "finished": "finished",
    "ready": "ready",
}
WEIGHTS = [3, -5, 7]
"""Of the column's rows 0, 2 and 3."""


def config_of(stages: int, mac: str, entry_stages: int = 1) -> EngineConfig:
    widths = {"code_width": 5, "weight_width": 5} if mac == "fixed" else {}
    return tiny_config(
        mac=mac, entry_stages=entry_stages, multiplier_stages=stages, run_width=3, **widths
    )


def load(config: EngineConfig, number: int) -> list[dict[str, Any]]:
    """Entries 4 to 6, through the load port."""
    codes = [weight & 31 for weight in WEIGHTS] if config.mac == "fixed" else [0, 0, 0]
    entries = layout.pack(layout.entry(config), code=codes, run=[0, 1, 0])
    return [
        {
            "load_valid": 1,
            "load_word.target": LoadTarget.ENTRY.value,
            "load_word.unit": number,
            "load_word.address": 4 + n,
            "load_word.data": int(word),
        }
        for n, word in enumerate(entries)
    ]


@pytest.mark.parametrize("entry_stages", [1, 2])
@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("mac", ["codebook", "fixed", "log"])
def test_events_of_a_job_come_at_their_distances(mac: str, stages: int, entry_stages: int) -> None:
    config = config_of(stages, mac, entry_stages)
    t = Latencies.of(config)
    assert commit_latency(config) == t.commit
    rows = [*load(config, 2), {}]
    start = len(rows)
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 3, "value": 10}
    rows += [job, {"arriving": 1, "pointer.start": 9}]  # the second column is empty
    rows += [{"closed": 1}] * 16
    rows += [{}] * 2
    dut = ProcessingElement(config=config, number=2, image=None)
    seen = drive(dut, rows, list(WATCH.values()))
    when = {
        kind: [n - start for n, row in enumerate(seen) if row[name]] for kind, name in WATCH.items()
    }
    assert when["push"] == [0]
    assert when["pop"] == [1]
    assert when["issue"] == [2, 3, 4]
    assert when["commit"] == [issue + t.commit for issue in (2, 3, 4)]
    # From the cycle after its last issue, until the layer ends.
    assert when["finished"] == list(range(5, 18))
    assert when["ready"] == list(range(5 + t.commit - 1, 18))


@pytest.mark.parametrize("entry_stages", [1, 2])
@pytest.mark.parametrize("stages", [2, 3, 4])
def test_the_drain_may_start_as_soon_as_the_pe_is_ready(stages: int, entry_stages: int) -> None:
    """The last sum is there; a cycle earlier an assertion would tell."""
    config = config_of(stages, "fixed", entry_stages)
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 3}
    rows = [*load(config, 0), {**job, "value": 10}, {**job, "value": -1}]
    ready = len(rows) - 2 + 1 + 2 * 3 + Latencies.of(config).commit
    rows += [{"closed": 1} for _ in range(ready + 6 - len(rows))]
    for early in (0, 1):
        for row, at in zip((2, 3, 0, 1), range(ready + 1 - early, ready + 6), strict=False):
            rows[at] = {"closed": 1, "clear": 1, "clear_row": row}
        dut = ProcessingElement(config=config, number=0, image=None)
        if early:
            with pytest.raises(AssertionError, match="drained while it adds"):
                drive(dut, rows, ["ready"])
            continue
        seen = drive(dut, [*rows, {}], ["ready", "sum"])
        assert [row["ready"] for row in seen[ready - 1 : ready + 1]] == [0, 1]
        assert [row["sum"] for row in seen[ready + 2 : ready + 6]] == [-45, 63, 27, 0]


def test_words_for_other_pes_are_not_taken() -> None:
    config = config_of(2, "fixed")
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 1, "value": 10}
    for number, total in ((1, 0), (2, 30)):
        rows: list[dict[str, Any]] = [*load(config, 2), job, *([{}] * 10)]
        dut = ProcessingElement(config=config, number=number, image=None)
        seen = drive(dut, rows, ["sums.commit", "sums.total"])
        assert [row["sums.total"] for row in seen if row["sums.commit"]] == [total]
