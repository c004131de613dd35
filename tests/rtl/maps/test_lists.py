"""Lists of maps against Python lists: rows and lengths, skipped rows, holds, full memories."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.maps.lists import RowLists
from tests.maps import map_config
from tests.rtl.helpers import drive

Row = dict[str, int]
Map = list[list[tuple[int, int]]]
"""Rows of items, each (index, value)."""
WATCH = ["pending", "header", "item.valid", "item.index", "item.value", "items"]


def config_of(**changes: Any) -> EngineConfig:
    """Up to 8 items in a row."""
    maps = {"rows": 4, "sources": 2, "depth": 64}
    return map_config(act_depth=8, maps=maps, **changes)


class Writer:
    """Writes a map, now and then a cycle: which items, and which cycle ends a row."""

    def __init__(self, rng: np.random.Generator, region: int) -> None:
        self.rng, self.region = rng, region
        self.map: Map = []
        self.items: list[tuple[int, int]] = []
        self.left = int(rng.integers(1, 5))

    def row(self) -> Row:
        """The inputs of a cycle."""
        if not self.left or self.rng.random() < 0.3:
            return {"index": 3, "value": 3}  # not for the list
        if self.rng.random() < 0.3 or len(self.items) == 4:
            self.map.append(self.items)
            self.items, self.left = [], self.left - 1
            return {"close": 1, "index": 5, "value": 5}
        index, value = int(self.rng.integers(0, 8)), int(self.rng.integers(-2, 3))
        if value:
            self.items.append((index, value))
        return {"write": int(value != 0), "index": index, "value": value}


class Reader:
    """Reads rows of some maps, and says what is to be seen, cycle by cycle."""

    def __init__(self, rng: np.random.Generator, late: int) -> None:
        self.rng, self.late = rng, late
        self.maps: list[tuple[int, Map]] = []
        self.taken: list[int] = []
        self.reading: Row = {}
        self.wait, self.left = 0, []
        self.way: list[tuple[int, int] | None] = [None] * late

    def begin(self, maps: list[tuple[int, Map]]) -> None:
        """From here on these, each a region and its rows."""
        self.maps, self.taken = maps, [0] * len(maps)

    @property
    def busy(self) -> bool:
        """Some row is still to come."""
        rows = [len(one) for _, one in self.maps]
        return bool(self.wait or self.left or self.taken != rows)

    def row(self) -> tuple[Row, Row]:
        """Inputs and expectations of a cycle."""
        hold = self.rng.random() < 0.25
        shown = {"header": int(self.wait == 1), "pending": int(bool(self.left) and not self.wait)}
        item = self.way[-1]
        shown |= {"item.valid": int(item is not None)}
        if item is not None:
            shown |= {"item.index": item[0], "item.value": item[1]}
        given = {**self.reading, "hold": int(hold)}
        if hold:
            return given, shown
        granted = None
        if self.wait:
            self.wait -= 1
        elif self.left:
            if self.rng.random() < 0.7:
                given["grant"], granted = 1, self.left.pop(0)
        elif self.rng.random() < 0.7:
            given |= self._next()
        self.way = [granted, *self.way[:-1]]
        return given, shown

    def _next(self) -> Row:
        """Begin a row that is left, of any of the maps."""
        some = [n for n, (_, one) in enumerate(self.maps) if self.taken[n] < len(one)]
        if not some:
            return {}
        number = int(self.rng.choice(some))
        region, rows = self.maps[number]
        first = self.taken[number] == 0
        skip = int(self.rng.random() < 0.3)
        self.left = [] if skip else list(rows[self.taken[number]])
        self.taken[number] += 1
        self.wait = self.late
        self.reading = {"row.source": number, "row.skip": skip, "row.region": 63}
        begins = {"row.begins": int(first), "row.region": region if first else 62}
        return {**self.reading, **begins, "row.valid": 1}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("register", [0, 1])
def test_one_map_is_written_while_two_are_read(register: int, seed: int) -> None:
    """Each of six maps is written beside the reading of the two before it, in three regions."""
    rng = np.random.default_rng(seed)
    config = config_of(stages={"activations": register})
    reader = Reader(rng, 1 + register)
    rows: list[Row] = []
    expected: list[Row] = []
    done: list[tuple[int, Map]] = []
    for number in range(6):
        writer = Writer(rng, 20 * (number % 3))
        rows.append({"target.open": 1, "target.region": writer.region, **reader.reading})
        expected.append({})
        reader.begin(done[-2:])
        while writer.left or reader.busy or any(reader.way):
            items = len(writer.items)
            given, shown = reader.row()
            rows.append({**writer.row(), **given})
            expected.append({**shown, "items": items})
        done.append((writer.region, writer.map))
    assert sum(len(row) for _, one in done for row in one) > 10
    seen = drive(RowLists(config=config), rows, WATCH)
    for cycle, (row, wanted) in enumerate(zip(seen, expected, strict=True)):
        assert {name: row[name] for name in wanted} == wanted, cycle


def full(config: EngineConfig) -> list[Row]:
    """As many items as the memory has words behind the length."""
    open_: Row = {"target.open": 1, "target.region": 0}
    close = config.maps.depth // 8
    rows = [open_]
    for number in range(close):
        rows += [{"write": 1, "index": n, "value": 1} for n in range(7)]
        rows += [{"close": 1}] if number < close - 1 else []
    return rows


def test_a_full_memory_is_not_exceeded() -> None:
    config = config_of()
    drive(RowLists(config=config), [*full(config), {"value": 1}, {}], WATCH)
    with pytest.raises(AssertionError, match="a map exceeds its memory"):
        drive(RowLists(config=config), [*full(config), {"write": 1, "value": 1}, {}], WATCH)


def test_what_must_not_be_is_asserted() -> None:
    item: Row = {"write": 1, "index": 1, "value": 1}
    map_ = [{"target.open": 1}, item, item, {"close": 1}, {"row.valid": 1, "row.begins": 1}, {}, {}]
    for more, what in (
        ([{"write": 1, "value": 1, "close": 1}], "a row goes on while it is closed"),
        ([{"write": 1}], "a zero is written to a list"),
        ([{"grant": 1}, {"grant": 1}, {"grant": 1}], "an empty row is read"),
        ([{"grant": 1, "hold": 1}], "granted while broadcasts are held"),
    ):
        drive(RowLists(config=config_of()), [*map_, {"grant": 1}, {"grant": 1}, {}], WATCH)
        with pytest.raises(AssertionError, match=what):
            drive(RowLists(config=config_of()), [*map_, *more, {}], WATCH)
