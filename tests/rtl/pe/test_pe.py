# amaranth: UnusedElaboratable=no
"""One PE: its events come at golden's distances, its sums are right, operations come in time."""

from typing import Any

import pytest

from golden.config import EngineConfig
from golden.format import layout
from golden.timing.schedule import Latencies
from rtl.load import LoadTarget
from rtl.operations.drain_unit import DrainUnit
from rtl.operations.pipeline import OperationPipeline
from rtl.pe.accumulator import Accumulator
from rtl.pe.pe import ProcessingElement
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

WATCH = {
    "push": "queue.push",
    "pop": "entry.pop",
    "issue": "entry.issuing",
    "commit": "sums.commit",
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
@pytest.mark.parametrize("mac", ["codebook", "fixed", "log", "log-sqrt2", "ternary"])
def test_events_of_a_job_come_at_their_distances(mac: str, stages: int, entry_stages: int) -> None:
    config = config_of(stages, mac, entry_stages)
    t = Latencies.of(config)
    assert ProcessingElement.commit_latency(config) == t.commit
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
    assert when["ready"] == list(range(5, 18))


@pytest.mark.parametrize("entry_stages", [1, 2])
@pytest.mark.parametrize("stages", [2, 3, 4])
def test_operations_may_come_as_soon_as_the_pe_is_ready(stages: int, entry_stages: int) -> None:
    """The last sum is there; a cycle earlier an assertion would tell."""
    config = config_of(stages, "fixed", entry_stages)
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 3}
    rows = [*load(config, 0), {**job, "value": 10}, {**job, "value": -1}]
    ready = len(rows) - 2 + 1 + 2 * 3 + 1
    # The control chooses, and an operation begins two cycles later; then its total's way.
    latency = Accumulator.result_latency(config)
    total = (
        ready + 2 + OperationPipeline.result_latency(config) - DrainUnit.latency(config) - latency
    )
    rows += [{"closed": 1} for _ in range(total + 5 - len(rows))]
    for early in (0, 1):
        for row, at in zip((2, 3, 0, 1), range(total - early, total + 5), strict=False):
            rows[at] = {"closed": 1, "add": 1, "totals.row": row}
        dut = ProcessingElement(config=config, number=0, image=None)
        if early:
            with pytest.raises(AssertionError, match="a sum is taken while another is added to"):
                drive(dut, rows, ["ready"])
            continue
        seen = drive(dut, [*rows, {}], ["ready", "sum"])
        assert [row["ready"] for row in seen[ready - 1 : ready + 1]] == [0, 1]
        assert [row["sum"] for row in seen[total + latency :][:4]] == [-45, 63, 27, 0]


def test_an_operation_that_begins_over_an_entry_is_asserted() -> None:
    config = config_of(2, "fixed")
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 3}
    for late, fails in ((1, False), (2, True), (4, True), (5, False)):
        rows: list[dict[str, Any]] = [job, *({} for _ in range(6))]
        rows[late]["steal"] = 1
        dut = ProcessingElement(config=config, number=0, image=None)
        if fails:
            with pytest.raises(AssertionError, match="an operation begins over an entry"):
                drive(dut, rows, [])
        else:
            drive(dut, rows, [])


def test_where_phases_overlap_an_operation_takes_an_entrys_cycle() -> None:
    """Entries wait a cycle; ready tells of the back's phase, and not of the front's entries."""
    config = cell_config(streams=2)
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 3}
    odd = {**job, "odd": 1}
    rows: list[dict[str, Any]] = [job, odd, dict(odd), *({} for _ in range(14))]
    rows[3]["steal"] = rows[4]["steal"] = rows[8]["steal"] = 1
    for row in rows:
        row["closed"] = 1
    issues = [2, 5, 6, 7, 9, 10, 11, 12, 13]
    for back, ready in ((0, 7), (1, 14)):
        for row in rows:
            row["back_odd"] = back
        dut = ProcessingElement(config=config, number=0, image=None)
        seen = drive(dut, rows, ["entry.issuing", "entry.running.odd", "ready"])
        assert [n for n, row in enumerate(seen) if row["entry.issuing"]] == issues
        assert [seen[n]["entry.running.odd"] for n in issues] == [0] * 3 + [1] * 6
        assert [n for n, row in enumerate(seen) if row["ready"] and n > 1] == [*range(ready, 17)]


def test_words_for_other_pes_are_not_taken() -> None:
    config = config_of(2, "fixed")
    job = {"arriving": 1, "pointer.start": 4, "pointer.count": 1, "value": 10}
    for number, total in ((1, 0), (2, 30)):
        rows: list[dict[str, Any]] = [*load(config, 2), job, *([{}] * 10)]
        dut = ProcessingElement(config=config, number=number, image=None)
        seen = drive(dut, rows, ["sums.commit", "sums.total"])
        assert [row["sums.total"] for row in seen if row["sums.commit"]] == [total]
