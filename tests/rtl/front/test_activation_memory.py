"""Activation memory: zeros dropped, order kept, swap and hold at any moment, overflow asserted."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl.front.activation_memory import ActivationMemory
from tests.rtl.helpers import drive, tiny_config

CONFIG = tiny_config(group=1, row_depth=4, act_depth=6)
WATCH = ["pending", "element.valid", "element.index", "element.value"]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.03, 0.2]), st.sampled_from([0.0, 0.3]))
def test_against_two_lists(seed: int, swaps: float, holds: float) -> None:
    rng = np.random.default_rng(seed)
    source: list[tuple[int, int]] = []
    destination: list[tuple[int, int]] = []
    granted: tuple[int, int] | None = None
    rows, expected = [], []
    for _ in range(150):
        pending = bool(source)
        value = int(rng.integers(-2, 3))
        write = rng.random() < 0.5 and (len(destination) < CONFIG.act_depth or value == 0)
        hold = rng.random() < holds
        grant = pending and not hold and rng.random() < 0.6
        swap = rng.random() < swaps
        index = int(rng.integers(0, CONFIG.act_depth))
        row = {"write": write, "index": index, "value": value}
        rows.append({**row, "grant": grant, "swap": swap, "hold": hold})
        expected.append((pending, *((1, *granted) if granted else (0, 0, 0))))
        if not hold:  # held, the element stays
            granted = source.pop(0) if grant else None
        if write and value:
            destination.append((index, value))
        if swap:
            source, destination = destination, []
    seen = drive(ActivationMemory(config=CONFIG), rows, WATCH)
    assert [tuple(cycle.values()) for cycle in seen] == expected


def test_swap_takes_what_is_written_in_its_cycle() -> None:
    rows: list[dict[str, Any]] = [
        {"write": 1, "index": 3, "value": -7},
        {"write": 1, "index": 4, "value": 0},
        {"write": 1, "index": 5, "value": 9, "swap": 1},
        {"grant": 1},
        {"grant": 1},
        {},
    ]
    seen = drive(ActivationMemory(config=CONFIG), rows, WATCH)
    assert [cycle["pending"] for cycle in seen] == [0, 0, 0, 1, 1, 0]
    assert [tuple(cycle.values())[1:] for cycle in seen[4:]] == [(1, 3, -7), (1, 5, 9)]


def test_a_held_element_waits_for_the_collector() -> None:
    fill: list[dict[str, Any]] = [{"write": 1, "index": 3, "value": -7, "swap": 1}]
    rows = [*fill, {"grant": 1}, {"hold": 1}, {"hold": 1}, {}, {}]
    seen = drive(ActivationMemory(config=CONFIG), rows, WATCH)
    assert [cycle["element.valid"] for cycle in seen] == [0, 0, 1, 1, 1, 0]
    assert {cycle["element.value"] for cycle in seen[2:5]} == {-7}


def test_overflow_empty_reads_and_grants_in_a_hold_are_asserted() -> None:
    fill = [{"write": 1, "value": 1}] * CONFIG.act_depth
    drive(ActivationMemory(config=CONFIG), [*fill, {"write": 1, "value": 0}, {}], WATCH)
    with pytest.raises(AssertionError, match="overflows"):
        drive(ActivationMemory(config=CONFIG), [*fill, {"write": 1, "value": 1}, {}], WATCH)
    with pytest.raises(AssertionError, match="an empty activation memory is read"):
        drive(ActivationMemory(config=CONFIG), [{"grant": 1}, {}], WATCH)
    held = [{"write": 1, "value": 1, "swap": 1}, {"grant": 1, "hold": 1}, {}]
    with pytest.raises(AssertionError, match="granted while broadcasts are held"):
        drive(ActivationMemory(config=CONFIG), held, WATCH)
