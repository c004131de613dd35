# amaranth: UnusedElaboratable=no
"""The activation queue, of registers or a memory, against collections.deque; its warning."""

from collections import deque

import numpy as np
import pytest
from amaranth.hdl import signed
from amaranth.lib import data
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.errors import ElsieError
from rtl.prim.queue import Queue
from tests.rtl.helpers import drive

SHAPE = data.StructLayout({"a": 4, "b": signed(5)})
WATCH = ["valid", "head.a", "head.b", "near_full"]


@settings(max_examples=40)
@given(st.integers(1, 9), st.data(), st.integers(0, 2**32 - 1))
def test_against_a_deque(depth: int, draw: st.DataObject, seed: int) -> None:
    threshold = draw.draw(st.integers(1, depth))
    rng = np.random.default_rng(seed)
    # Phases that fill and phases that empty, so that both ends are reached.
    eager = np.repeat(rng.random(8), 15)
    model: deque[tuple[int, int]] = deque()
    rows, expected, level = [], [], 0
    for chance in eager:
        push = bool(rng.random() < chance) and len(model) < depth
        pop = bool(rng.random() > chance) and len(model) > 0
        a, b = int(rng.integers(0, 16)), int(rng.integers(-16, 16))
        rows.append({"push": push, "push_data.a": a, "push_data.b": b, "pop": pop})
        expected.append((model[0] if model else None, level >= threshold))
        level = len(model)
        if pop:
            model.popleft()
        if push:
            model.append((a, b))
    seen = drive(Queue(shape=SHAPE, depth=depth, threshold=threshold), rows, WATCH)
    for cycle, (head, near_full) in zip(seen, expected, strict=True):
        assert cycle["valid"] == (head is not None)
        assert head is None or (cycle["head.a"], cycle["head.b"]) == head
        assert cycle["near_full"] == near_full


@pytest.mark.parametrize("depth", [5, 8])
def test_near_full_tells_of_the_cycle_before(depth: int) -> None:
    rows = [{"push": 1}, {"push": 1}, {"push": 1}, {}, {"pop": 1}, {}, {}, {}]
    seen = drive(Queue(shape=SHAPE, depth=depth, threshold=3), rows, ["near_full"])
    assert [cycle["near_full"] for cycle in seen] == [0, 0, 0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("depth", [1, 3, 6, 7])
def test_overflow_and_underflow_are_asserted(depth: int) -> None:
    fill = [{"push": 1}] * depth
    with pytest.raises(AssertionError, match="a full queue is pushed"):
        drive(Queue(shape=SHAPE, depth=depth, threshold=1), [*fill, {"push": 1}, {}], WATCH)
    with pytest.raises(AssertionError, match="an empty queue is popped"):
        drive(Queue(shape=SHAPE, depth=depth, threshold=1), [{"pop": 1}, {}], WATCH)
    drive(Queue(shape=SHAPE, depth=depth, threshold=1), [*fill, *([{"pop": 1}] * depth), {}], WATCH)


@pytest.mark.parametrize("threshold", [0, 5])
def test_threshold_out_of_range_is_refused(threshold: int) -> None:
    with pytest.raises(ElsieError, match=f"threshold must be 1..4, not {threshold}"):
        Queue(shape=SHAPE, depth=4, threshold=threshold)
