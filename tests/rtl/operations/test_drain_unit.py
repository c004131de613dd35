"""Drain unit: the right PE's sum, its bias, five cycles later."""

import numpy as np
import pytest

from rtl.operations.drain_unit import DrainUnit
from tests.rtl.helpers import drive, tiny_config


@pytest.mark.parametrize(
    ("group", "size"), [(1, 1), (2, 2), (4, 4), (4, 3), (3, 1), (7, 7), (8, 5)]
)
def test_one_output_a_cycle(group: int, size: int) -> None:
    config = tiny_config(pes=8, group=group, acc_width=24, act_depth=64)
    rng = np.random.default_rng(size)
    rows: list[dict[str, int]] = [{} for _ in range(120)]
    expected: dict[int, tuple[int, int]] = {}
    for cycle in range(110):
        for pe in range(size):
            rows[cycle][f"sums.{pe}"] = int(rng.integers(-(1 << 20), 1 << 20))
        rows[cycle]["bias"] = int(rng.integers(-(1 << 20), 1 << 20))
        rows[cycle] |= {"settings.shift": 14, "settings.relu": 0}
    for cycle in range(100):
        slot, valid = int(rng.integers(0, size)), int(rng.random() < 0.8)
        index = int(rng.integers(0, config.act_depth))
        rows[cycle] |= {"step.valid": valid, "step.slot": slot, "step.index": index}
        if valid:
            total = rows[cycle + 1][f"sums.{slot}"] + rows[cycle + 1]["bias"]
            expected[cycle + 5] = (index, max(-128, min(127, round(total / 2**14))))
    seen = drive(DrainUnit(config=config, size=size), rows, ["valid", "index", "value"])
    got = {n: (row["index"], row["value"]) for n, row in enumerate(seen) if row["valid"]}
    assert got == expected
    assert len(got) > 10
