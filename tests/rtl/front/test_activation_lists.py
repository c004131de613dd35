"""Activation lists against Python lists: order, zeros, two lists read as one, holds, overflow."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.config import EngineConfig
from rtl.front.activation_lists import ActivationLists
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config

TWO = tiny_config(group=1, row_depth=4, act_depth=6)
MANY = cell_config(pes=1, group=1, cells=1, act_depth=5, act_lists=6)
ELEMENT = ["element.valid", "element.index", "element.value"]
WATCH = ["pending", *ELEMENT]
WATCH_MANY = ["pending", "element.valid", "element.back", "element.index", "element.value"]
Row = dict[str, int]


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.03, 0.2]),
    st.sampled_from([0.0, 0.3]),
    st.integers(0, 1),
)
def test_source_and_destination(seed: int, begins: float, holds: float, register: int) -> None:
    """With a register behind the memory, an element comes a step later."""
    config = TWO.replace(stages={"activations": register, "grant": 1})
    rng = np.random.default_rng(seed)
    source: list[tuple[int, int]] = []
    destination: list[tuple[int, int]] = []
    granted: list[tuple[int, int] | None] = [None] * (1 + register)
    rows, expected, more = [], [], {}
    began = 0
    for cycle in range(150):
        pending = bool(source)
        if cycle >= began + 2:
            more[cycle] = len(source) > 1
        value = int(rng.integers(-2, 3))
        write = rng.random() < 0.5 and (len(destination) < TWO.act_depth or value == 0)
        hold = rng.random() < holds
        grant = pending and not hold and rng.random() < 0.6
        begin = rng.random() < begins
        index = int(rng.integers(0, TWO.act_depth))
        row = {"write": write, "index": index, "value": value}
        rows.append({**row, "grant": grant, "begin": begin, "hold": hold})
        expected.append((pending, *((1, *granted[-1]) if granted[-1] else (0, 0, 0))))
        if not hold:  # held, the element stays
            granted = [source.pop(0) if grant else None, *granted[:-1]]
        if write and value:
            destination.append((index, value))
        if begin:
            source, destination, began = destination, [], cycle
    seen = drive(ActivationLists(config=config), rows, [*WATCH, "more"])
    assert {cycle: seen[cycle]["more"] for cycle in more} == more
    assert [tuple(row[name] for name in WATCH) for row in seen] == expected


def test_what_is_written_in_the_cycle_of_begin_is_read() -> None:
    rows: list[dict[str, Any]] = [
        {"write": 1, "index": 3, "value": -7},
        {"write": 1, "index": 4, "value": 0},
        {"write": 1, "index": 5, "value": 9, "begin": 1},
        {"grant": 1},
        {"grant": 1},
        {},
    ]
    seen = drive(ActivationLists(config=TWO), rows, WATCH)
    assert [cycle["pending"] for cycle in seen] == [0, 0, 0, 1, 1, 0]
    assert [tuple(cycle.values())[1:] for cycle in seen[4:]] == [(1, 3, -7), (1, 5, 9)]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3]), st.sampled_from([0.3, 0.9]))
def test_many_lists(seed: int, holds: float, eager: float) -> None:
    rng = np.random.default_rng(seed)
    lists: list[list[tuple[int, int]]] = [[] for _ in range(MANY.act_lists)]
    target, new = 0, []
    reading: set[int] = set()
    queue: list[tuple[int, int, int]] = []
    granted: tuple[int, int, int] | None = None
    rows, expected, more, began = [], [], {}, 0
    for cycle in range(200):
        pending = bool(queue)
        if cycle >= began + 2:
            more[cycle] = len(queue) > 1
        expected.append((pending, *((1, *granted) if granted else (0, 0, 0, 0))))
        value = int(rng.integers(-2, 3))
        write = rng.random() < 0.4 and (len(new) < MANY.act_depth or value == 0)
        hold = rng.random() < holds
        grant = pending and not hold and rng.random() < eager
        close, begin = rng.random() < 0.1, rng.random() < 0.06
        index = int(rng.integers(0, MANY.act_depth))
        row = {"write": write, "index": index, "value": value, "target": target, "hold": hold}
        row |= {"grant": grant, "close": close, "begin": begin}
        if not hold:  # held, the element stays
            granted = queue.pop(0) if grant else None
        if write and value:
            new.append((index, value))
        if close:
            lists[target], new = new, []
        if begin:
            # The list that is being written is none that is read, but for one that ends now.
            sources = [n for n in range(MANY.act_lists) if close or n != target]
            source, back = (int(n) for n in rng.choice(sources, 2, replace=False))
            fed_back = int(rng.random() < 0.6)
            row |= {"lists.source": source, "lists.back": back, "lists.fed_back": fed_back}
            queue = [(0, *item) for item in lists[source]]
            queue += [(1, *item) for item in lists[back]] if fed_back else []
            reading, began = {source, back}, cycle
        if close:
            free = [n for n in range(MANY.act_lists) if n not in reading]
            target = int(rng.choice(free))
        rows.append(row)
    dut = ActivationLists(config=MANY.replace(stages={"grant": 1}))
    seen = drive(dut, rows, [*WATCH_MANY, "more"])
    assert {cycle: seen[cycle]["more"] for cycle in more} == more
    assert [tuple(row[name] for name in WATCH_MANY) for row in seen] == expected


def test_lists_without_elements_are_passed_over() -> None:
    """Only the first, only the second, neither; each begins while nothing is left."""
    fill: list[Row] = [{"write": 1, "index": 2, "value": 4, "target": 1, "close": 1}]
    for source, back, fed_back, shown in (
        (1, 0, 1, [(0, 2, 4)]),
        (0, 1, 1, [(1, 2, 4)]),
        (0, 1, 0, []),
        (0, 3, 1, []),
    ):
        lists = {"lists.source": source, "lists.back": back, "lists.fed_back": fed_back}
        rows: list[Row] = [*fill, {"begin": 1, **lists}, {"grant": len(shown)}, {}, {}]
        seen = drive(ActivationLists(config=MANY), rows, WATCH_MANY)
        assert [row["pending"] for row in seen] == [0, 0, len(shown), 0, 0]
        got = [tuple(row.values())[2:] for row in seen if row["element.valid"]]
        assert got == shown


BOTH = pytest.mark.parametrize("config", [TWO, MANY], ids=["two", "many"])


def closing(config: EngineConfig) -> Row:
    """A list ends."""
    return {"close": 1} if config.cells else {}


@BOTH
def test_a_held_element_waits_for_the_collector(config: EngineConfig) -> None:
    fill: Row = {"write": 1, "index": 3, "value": -7, "begin": 1, **closing(config)}
    rows = [fill, {"grant": 1}, {"hold": 1}, {"hold": 1}, {}, {}]
    seen = drive(ActivationLists(config=config), rows, WATCH)
    assert [cycle["element.valid"] for cycle in seen] == [0, 0, 1, 1, 1, 0]
    assert {cycle["element.value"] for cycle in seen[2:5]} == {-7}


@BOTH
def test_overflow_empty_reads_and_grants_in_a_hold_are_asserted(config: EngineConfig) -> None:
    def dut() -> ActivationLists:
        return ActivationLists(config=config)

    fill: list[Row] = [{"write": 1, "value": 1}] * config.act_depth
    drive(dut(), [*fill, {"write": 1, "value": 0}, {}], WATCH)
    with pytest.raises(AssertionError, match="an activation list overflows"):
        drive(dut(), [*fill, {"write": 1, "value": 1}, {}], WATCH)
    with pytest.raises(AssertionError, match="an empty activation list is read"):
        drive(dut(), [{"grant": 1}, {}], WATCH)
    held = [{"write": 1, "value": 1, "begin": 1, **closing(config)}, {"grant": 1, "hold": 1}, {}]
    with pytest.raises(AssertionError, match="granted while broadcasts are held"):
        drive(dut(), held, WATCH)
