"""Counters against sums in Python, and that they stay steady."""

import numpy as np
import pytest

from rtl.sequence.counters import Counters
from tests.rtl.helpers import drive, tiny_config

NAMES = ("cycles", "macs", "stalls", "starved")


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("pes", [1, 2, 5, 16, 23])
def test_every_bit_is_counted(pes: int, count: int) -> None:
    config = tiny_config(pes=pes, stages={"count": count})
    rng = np.random.default_rng(pes)
    inputs = ("running", "stalled")
    rows, total = [], dict.fromkeys(NAMES, 0)
    for number in range(120):
        bits = {name: int(rng.integers(0, 2)) for name in inputs}
        starving, committing = (int(v) for v in rng.integers(0, 1 << pes, 2))
        rows.append({**bits, "starving": starving, "committing": committing})
        if number < 40:
            continue  # before the start: forgotten
        total["cycles"] += bits["running"]
        total["stalls"] += bits["stalled"]
        total["macs"] += committing.bit_count()
        total["starved"] += bits["running"] * starving.bit_count()
    # The start is a cycle of its own; the pipeline before it must be empty by then.
    rows[40:40] = [*([{}] * (1 + count)), {"start": 1}]
    seen = drive(Counters(config=config), [*rows, *([{}] * 6)], [f"counters.{n}" for n in NAMES])
    expected = {f"counters.{name}": value for name, value in total.items()}
    assert seen[42 + count] == dict.fromkeys(expected, 0)
    assert seen[-4 + count] == expected
    assert seen[-1] == expected
