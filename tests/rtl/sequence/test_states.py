"""States: every signal of a step without cells and of one of two streams, cycle by cycle."""

import pytest

from golden.config import EngineConfig
from rtl.operations.clearing import clear_cycles
from rtl.sequence.states import SequencerState, States
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

Row = dict[str, int]
WATCH = ("idle", "begin", "handover", "advance", "results", "rewind", "running", "enable")
WATCH += ("output", "finish", "done")


def run(
    config: EngineConfig, rows: list[Row], *more: str
) -> tuple[list[str], list[tuple[str, ...]], list[Row]]:
    """State, and which of the signals are set, in each cycle from the first in state IDLE."""
    clear = clear_cycles(config) + 1
    steady = {"answer": 1} if config.cells else {}
    rows = [{**steady, **row} for row in [*([{}] * clear), *rows]]
    seen = drive(States(config=config), rows, ["state", *WATCH, *more])
    names = [SequencerState(row["state"]).name for row in seen]
    assert names[:clear] == ["CLEAR"] * clear
    assert {tuple(n for n in WATCH if row[n]) for row in seen[:clear]} == {("rewind",)}
    shown = [tuple(n for n in WATCH if row[n]) for row in seen]
    return names[clear:], shown[clear:], seen[clear:]


START: list[Row] = [{}, {}, {}, {"start": 1}]


def test_one_stream_begins_a_phase_when_the_back_has_ended() -> None:
    rows = [
        *START,
        {"valid": 1},
        {"valid": 1, "quiet": 1, "busy": 1},
        {"valid": 1, "quiet": 1},
        {"busy": 1},
        {"busy": 1, "end": 1},
        {"valid": 1, "final": 1, "quiet": 1},
        {"busy": 1, "end": 1, "final": 1},
        {"quiet": 1, "taken": 1},
        {"taken": 1},
        {"quiet": 1},
        {"quiet": 1, "taken": 1},
        {},
    ]
    names, shown, _ = run(tiny_config(), rows)
    assert names == ["IDLE"] * 4 + ["RUN"] * 7 + ["OUTPUT"] * 4 + ["IDLE"]
    assert shown == [
        *[()] * 3,
        ("idle", "begin", "advance"),
        ("running", "enable"),
        ("running", "enable"),
        ("handover", "running", "enable"),
        ("running",),
        ("begin", "advance", "running"),
        ("handover", "results", "running", "enable"),
        ("begin", "results", "running"),
        ("results", "enable", "output", "finish"),
        *[("results", "enable", "output")] * 2,
        ("results", "rewind", "enable", "output", "done"),
        (),
    ]


def test_several_streams_begin_a_phase_when_one_is_broadcast() -> None:
    """And their results leave one after the other."""
    rows = [
        *START,
        {"valid": 1, "quiet": 1},
        {"valid": 1, "busy": 1, "quiet": 1, "end": 1},
        {"valid": 1, "quiet": 1, "final": 1},
        {"busy": 1, "end": 1, "final": 1},
        {},
        {"quiet": 1, "taken": 1},
        {"taken": 1},
        {"quiet": 1, "taken": 1},
        {},
    ]
    names, shown, seen = run(cell_config(streams=2), rows, "out_stream")
    assert names == ["IDLE"] * 4 + ["RUN"] * 4 + ["OUTPUT"] * 4 + ["IDLE"]
    assert shown[4:] == [
        ("begin", "handover", "advance", "running", "enable"),
        ("running", "enable"),
        ("handover", "results", "running", "enable"),
        ("begin", "results", "running"),
        ("results", "enable", "output", "finish"),
        ("begin", "results", "enable", "output"),
        ("results", "enable", "output"),
        ("results", "rewind", "enable", "output", "done"),
        (),
    ]
    assert [row["out_stream"] for row in seen] == [0] * 10 + [1, 1, 0]


@pytest.mark.parametrize("rows", [[{"start": 1}], [*START, {"start": 1}]], ids=["early", "twice"])
def test_a_start_that_comes_too_early_is_asserted(rows: list[Row]) -> None:
    with pytest.raises(AssertionError, match="a step is started while one runs"):
        run(tiny_config(), [*rows, {}])


def test_loading_puts_off_the_start() -> None:
    _, shown, _ = run(tiny_config(), [{}, {}, {}, {}, {"loading": 1}, {}, {}, {}, {}])
    assert [("idle" in names) for names in shown] == [False] * 3 + [True] + [False] * 4 + [True]
