"""The back: when a phase ends, and which settings it keeps meanwhile."""

from typing import Any

import pytest

from rtl.sequence.back import Back
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

Row = dict[str, int]
WATCH = ["busy", "closed", "end", "phase.rows"]


@pytest.mark.parametrize(
    "config",
    [
        tiny_config(),
        tiny_config(pes=17, act_depth=128, entry_stages=2, multiplier_stages=4),
        cell_config(),
        cell_config(streams=2, entry_stages=2),
        cell_config(pes=70, group=35, act_depth=256),
        cell_config(delta=True),
        cell_config(stages={"drain": 1, "store": 1}),
    ],
    ids=["dense", "dense, 17 PEs", "cells", "two streams", "70 PEs", "delta", "drain, store"],
)
def test_a_phase_ends_with_its_last_output(config: Any) -> None:
    """Docs: E + M + 6 cycles after the last operation, 2 fewer without cells; 2 more with delta."""
    way = config.entry_stages + config.multiplier_stages + (6 if config.cells else 4)
    way += config.stages.drain
    way += (2 if config.delta else 0) + config.stages.store
    # The operations' control tells a cycle later, the engine `status_stages` - 1 after that.
    way -= 1 + config.status_stages - 1
    rows: list[Row] = [{} for _ in range(80)]
    shown: list[Row] = [dict.fromkeys(WATCH[:3], 0) for _ in rows]
    for handover, over in ((3, 5), (40, 41)):
        rows[handover] |= {"handover": 1, "front.rows": 5}
        end = over + way
        for cycle in range(over, end + 1):
            rows[cycle]["over"] = 1
        shown[handover]["closed"] = 1
        for cycle in range(handover + 1, end + 1):
            shown[cycle] |= {"busy": 1, "closed": 1}
        shown[end]["end"] = 1
    seen = drive(Back(config=config), rows, WATCH)
    assert [{name: row[name] for name in WATCH[:3]} for row in seen] == shown
    # With several streams the front goes on; with one it stays, and needs no copy.
    kept = [row["phase.rows"] for row in seen]
    if config.streams > 1:
        assert set(kept[4:]) == {5}
    else:
        assert kept == [row.get("front.rows", 0) for row in rows]


def test_with_delta_the_head_takes_its_inputs_as_they_are() -> None:
    rows = [{"front.keep": keep, "heads": heads} for keep in (0, 1) for heads in (0, 1)]
    seen = drive(Back(config=cell_config(delta=True)), rows, ["phase.plain"])
    assert [row["phase.plain"] for row in seen] == [1, 1, 0, 1]
