"""Drain unit: the right PE's sum, the right bias, six cycles later."""

import numpy as np
import pytest

from rtl.drain_unit import DrainUnit
from tests.rtl.helpers import drive, tiny_config


@pytest.mark.parametrize(("group", "size"), [(1, 1), (4, 4), (4, 3), (3, 1)])
def test_one_output_a_cycle(group: int, size: int) -> None:
    config = tiny_config(pes=8, group=group, acc_width=24)
    rng = np.random.default_rng(size)
    bias = rng.integers(-(1 << 20), 1 << 20, config.bias_depth)
    dut = DrainUnit(config=config, size=size, init=[int(value) & 0xFFFFFF for value in bias])
    rows: list[dict[str, int]] = [{} for _ in range(120)]
    expected: dict[int, tuple[int, int]] = {}
    for cycle in range(110):
        for pe in range(size):
            rows[cycle][f"sums.{pe}"] = int(rng.integers(-(1 << 20), 1 << 20))
        rows[cycle] |= {"settings.shift": 14, "settings.relu": 0}
    for cycle in range(100):
        slot, address = int(rng.integers(0, group)), int(rng.integers(0, config.bias_depth))
        valid, discard = int(rng.random() < 0.8), int(rng.random() < 0.1)
        index = int(rng.integers(0, config.act_depth))
        rows[cycle] |= {
            "step.valid": valid,
            "step.slot": slot,
            "step.index": index,
            "step.bias": address,
            "step.discard": discard,
        }
        if valid and not discard and slot < size:
            total = rows[cycle + 1][f"sums.{slot}"] + int(bias[address])
            expected[cycle + 6] = (index, max(-128, min(127, round(total / 2**14))))
    seen = drive(dut, rows, ["valid", "index", "value"])
    got = {n: (row["index"], row["value"]) for n, row in enumerate(seen) if row["valid"]}
    assert got == expected
    assert len(got) > 10


def test_the_load_port_writes_biases() -> None:
    config = tiny_config()
    minus_five = (1 << config.acc_width) - 5
    rows = [{"write.en": 1, "write.addr": 9, "write.data": minus_five}]
    rows += [{"step.valid": 1, "step.bias": 9}, {"sums.0": 3}, *([{}] * 6)]
    seen = drive(DrainUnit(config=config, size=4, init=[]), rows, ["valid", "value"])
    assert [(n, row["value"]) for n, row in enumerate(seen) if row["valid"]] == [(7, -2)]
