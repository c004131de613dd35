"""Which rows are due when, and what tokens say, against docs/convolution.md's words."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.maps.program import UpcomingState
from rtl.maps.sources import SourceRows
from tests.maps import map_config
from tests.rtl.helpers import clocked, drive
from tests.rtl.maps.sequencing import Rows, due, source_word, state_of

Row = dict[str, int]


def config_of(**changes: Any) -> EngineConfig:
    """Maps of up to 32 rows."""
    return map_config(maps={"rows": 8, "height": 32}, column_depth=512, **changes)


@pytest.mark.parametrize(
    ("height", "kernel", "stride", "top"),
    [
        (7, 3, 1, 1),
        (8, 3, 2, 1),
        (9, 5, 4, 4),
        (5, 1, 2, 0),
        (6, 1, 1, 0),
        (11, 11, 1, 5),
        (3, 2, 4, 1),
    ],
)
def test_rows_of_a_source(height: int, kernel: int, stride: int, top: int) -> None:
    """All rows once, each in the first state that needs it; those without a kernel row skipped."""
    config, rng = config_of(), np.random.default_rng(height)
    maps = Rows(height=height, kernel=kernel, stride=stride, top=top)
    outputs = (height + top + kernel - 1 - kernel) // stride + 1
    lead = max(0, (kernel - 1 - top) // stride)
    word = source_word(maps, lead, column_base=40, step=9)
    steady = {f"word.{name}": value for name, value in word.items()}
    rows: list[Row] = [{**steady, "begin": 1}]
    expected: list[Row] = [{}]
    for o in range(-lead, outputs):
        for row, column, skip in due(maps, lead, o, column_base=40, step=9):
            for sent in [0] * int(rng.integers(0, 3)) + [1]:
                rows.append({**steady, "sent": sent})
                shown = {"due": 1, "row": row, "first": int(row == 0), "skip": skip}
                expected.append(shown if skip else {**shown, "column": column})
        rows += [steady, {**steady, "state": 1}]
        expected += [{"due": 0}, {"due": 0}]
    watch = ["due", "row", "first", "skip", "column"]
    for cycle, (row, wanted) in enumerate(
        zip(drive(SourceRows(config=config), rows, watch), expected, strict=True)
    ):
        assert {name: row[name] for name in wanted} == wanted, cycle


@pytest.mark.parametrize("flat", [0, 1])
@pytest.mark.parametrize(("height", "lead"), [(1, 0), (5, 0), (5, 2), (20, 7), (1, 7)])
def test_what_tokens_carry(height: int, lead: int, flat: int) -> None:
    config, rng = config_of(), np.random.default_rng(height)
    steady = {"layer.height": height - 1, "layer.lead": lead, "layer.flat": flat}
    rows: list[Row] = []
    expected: list[Row] = []
    for o in range(-lead, height + 1):
        begin = int(o == -lead)
        for token in [0] * int(rng.integers(0, 3)) + [1]:
            rows.append({**steady, "begin": begin, "token": token})
            shown = state_of(o, height, config.maps.rows, flat=flat)
            expected.append({f"state.{name}": value for name, value in shown.items()})
            expected[-1]["final"] = int(o == height)
    dut = clocked(UpcomingState(config=config))
    seen = drive(dut, rows, [*expected[0]])
    for row, wanted in zip(seen, expected, strict=True):
        if row["final"]:  # no row is left; only that it ends one counts
            wanted = {**row, "final": 1, "state.ends": 1}
        assert row == wanted
