"""Activation lists against Python lists: order, zeros, two lists read as one, holds, overflow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl.front.activation_lists import ActivationLists
from tests.cells import cell_config
from tests.rtl.helpers import drive

CONFIG = cell_config(pes=1, group=1, cells=1, act_depth=5, act_lists=6)
ELEMENT = ["element.valid", "element.back", "element.index", "element.value"]
WATCH = ["pending", *ELEMENT]
Row = dict[str, int]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3]), st.sampled_from([0.3, 0.9]))
def test_against_python_lists(seed: int, holds: float, eager: float) -> None:
    rng = np.random.default_rng(seed)
    lists: list[list[tuple[int, int]]] = [[] for _ in range(CONFIG.act_lists)]
    target, new = 0, []
    reading: set[int] = set()
    queue: list[tuple[int, int, int]] = []
    granted: tuple[int, int, int] | None = None
    rows, expected = [], []
    for _ in range(200):
        pending = bool(queue)
        expected.append((pending, *((1, *granted) if granted else (0, 0, 0, 0))))
        value = int(rng.integers(-2, 3))
        write = rng.random() < 0.4 and (len(new) < CONFIG.act_depth or value == 0)
        hold = rng.random() < holds
        grant = pending and not hold and rng.random() < eager
        close, begin = rng.random() < 0.1, rng.random() < 0.06
        index = int(rng.integers(0, CONFIG.act_depth))
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
            sources = [n for n in range(CONFIG.act_lists) if close or n != target]
            source, back = (int(n) for n in rng.choice(sources, 2, replace=False))
            fed_back = int(rng.random() < 0.6)
            row |= {"lists.source": source, "lists.back": back, "lists.fed_back": fed_back}
            queue = [(0, *item) for item in lists[source]]
            queue += [(1, *item) for item in lists[back]] if fed_back else []
            reading = {source, back}
        if close:
            free = [n for n in range(CONFIG.act_lists) if n not in reading]
            target = int(rng.choice(free))
        rows.append(row)
    seen = drive(ActivationLists(config=CONFIG), rows, WATCH)
    assert [tuple(cycle.values()) for cycle in seen] == expected


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
        seen = drive(ActivationLists(config=CONFIG), rows, WATCH)
        assert [row["pending"] for row in seen] == [0, 0, len(shown), 0, 0]
        got = [tuple(row.values())[2:] for row in seen if row["element.valid"]]
        assert got == shown


def test_overflow_empty_reads_and_grants_in_a_hold_are_asserted() -> None:
    fill: list[Row] = [{"write": 1, "value": 1}] * CONFIG.act_depth
    drive(ActivationLists(config=CONFIG), [*fill, {"write": 1}, {}], WATCH)
    with pytest.raises(AssertionError, match="overflows"):
        drive(ActivationLists(config=CONFIG), [*fill, {"write": 1, "value": 1}, {}], WATCH)
    with pytest.raises(AssertionError, match="an empty activation list is read"):
        drive(ActivationLists(config=CONFIG), [{"grant": 1}, {}], WATCH)
    held: list[Row] = [{"write": 1, "value": 1, "close": 1, "begin": 1}, {"grant": 1, "hold": 1}]
    with pytest.raises(AssertionError, match="granted while broadcasts are held"):
        drive(ActivationLists(config=CONFIG), [*held, {}], WATCH)
