"""A group's front: rows that go to the collector, and rows that stay in the group."""

import numpy as np
import pytest

from rtl.maps.front import RowFront
from tests.maps import map_config
from tests.rtl.helpers import drive

Row = dict[str, int]
ITEMS = [(5, 3), (6, -4), (13, 7)]
"""Index and value; indices are 4 places of 4 columns."""
COLUMN, FIRST = 17, 2
WATCH = [
    *(f"element.{name}" for name in ("valid", "index", "base", "value")),
    *(f"{way}.{name}" for way in ("own", "taken") for name in ("valid", "column", "value")),
    *("own.beside.base", "taken.beside.token"),
]


def held(rng: np.random.Generator, rows: list[Row]) -> list[Row]:
    """The same with cycles of hold between, in which nothing begins and nothing moves."""
    found = []
    for row in rows:
        found += [{**row, "grant": 0, "row.valid": 0, "hold": 1}] * int(rng.integers(0, 3))
        found.append(row)
    return found


def written() -> list[Row]:
    """A row in the memory, from address 0 on."""
    rows: list[Row] = [{"target.open": 1}]
    rows += [{"write": 1, "index": index, "value": value} for index, value in ITEMS]
    return [*rows, {"close": 1}, {"target.open": 1}]


@pytest.mark.parametrize("local", [0, 1])
@pytest.mark.parametrize(("register", "groups", "far"), [(0, 1, 0), (1, 5, 1), (1, 3, 2)])
def test_a_row_goes_one_way(register: int, groups: int, far: int, local: int) -> None:
    """To the collector without its column, or as late as from there to the group itself."""
    rng = np.random.default_rng(groups)
    config = map_config(
        **{"pes": groups, "group": 1, "act_depth": 16, "column_depth": 64, "row_depth": 64},
        **{"broadcast_stages": far, "stages": {"activations": register}},
        maps={"rows": 4, "depth": 16},
    )
    reading = {"shift": 2, "more": 1, "first": FIRST, "local": local, "column": COLUMN}
    steady = {f"row.reading.{name}": value for name, value in reading.items()}
    begins = {**steady, "row.valid": 1, "row.begins": 1}
    wait = [steady] * (1 + register)
    grants = [{**steady, "grant": 1}] * len(ITEMS)
    rows = [*written(), *held(rng, [begins, *wait, *grants, *[steady] * 12])]
    seen = drive(RowFront(config=config), rows, WATCH)
    moves = [shown for row, shown in zip(rows, seen, strict=True) if not row.get("hold")]
    grant = len(written()) + 1 + len(wait)
    expected = [(index % 4, ((index >> 2) << 1) + FIRST, value) for index, value in ITEMS]
    late = grant + 2 + register
    elements = [
        (n, one["element.index"], one["element.base"], one["element.value"])
        for n, one in enumerate(moves)
        if one["element.valid"]
    ]
    assert elements == ([] if local else [(late + n, *one) for n, one in enumerate(expected)])
    late += 1 + config.collector_levels
    own = [
        (n, one["own.column"], one["own.beside.base"], one["own.value"])
        for n, one in enumerate(moves)
        if one["own.valid"]
    ]
    sent = [(late + n, COLUMN + place, *rest) for n, (place, *rest) in enumerate(expected)]
    assert own == (sent if local else [])
    late = max(0, far - 1)
    taken = [
        (n, one["taken.column"], one["taken.value"])
        for n, one in enumerate(moves)
        if one["taken.valid"]
    ]
    assert taken == [(n + late, column, value) for n, column, _, value in (sent if local else [])]


def test_what_the_collector_sends_passes_in_the_same_cycle() -> None:
    config = map_config(column_depth=64)
    rows: list[Row] = [
        {"arriving.valid": 1, "arriving.column": 9, "arriving.value": -3},
        {"arriving.beside.token": 1},
        {},
    ]
    seen = drive(RowFront(config=config), rows, WATCH)
    assert [one["taken.valid"] for one in seen] == [1, 1, 0]
    assert [one["taken.beside.token"] for one in seen] == [0, 1, 0]
    assert (seen[0]["taken.column"], seen[0]["taken.value"]) == (9, -3)
    assert not any(one["own.valid"] or one["element.valid"] for one in seen)
