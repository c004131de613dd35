"""The product of entries and of operations, mixed in every cycle: all kinds and latencies."""

import numpy as np
import pytest

from rtl.pe.cell_product import CellProduct
from tests.cells import cell_config
from tests.rtl.helpers import drive

LEAST, MOST = -(1 << 15), (1 << 15) - 1


def value(rng: np.random.Generator, low: int = LEAST, high: int = MOST) -> int:
    """Any value, the extremes often."""
    return int(rng.choice([low, high, 0, int(rng.integers(low, high + 1))]))


def weight(mac: str, code: int) -> int:
    """What is multiplied: with log weights the code is a sign and an exponent."""
    if mac != "log":
        return code
    return (-1 if code >> 3 else 1) << (code & 7)


@pytest.mark.parametrize("stages", [2, 3, 4])
@pytest.mark.parametrize("mac", ["fixed", "codebook", "log"])
def test_entries_and_operations_in_any_order(mac: str, stages: int) -> None:
    config = cell_config(mac=mac, multiplier_stages=stages)
    rng = np.random.default_rng(stages)
    rows: list[dict[str, int]] = []
    expected: list[int] = []
    codes = (0, 15) if mac == "log" else (-(1 << 11), (1 << 11) - 1)
    for _ in range(600):
        what = rng.choice(["entry", "peephole", "operation", "nothing"])
        row = {"weight": value(rng, *codes), "left": value(rng), "right": value(rng)}
        # There is an activation only in an entry's cycle.
        row["activation"] = value(rng) if what == "entry" else 0
        row |= {"use_left": what == "operation", "use_right": what in ("operation", "peephole")}
        left = row["left"] if row["use_left"] else weight(mac, row["weight"])
        right = row["right"] if row["use_right"] else row["activation"]
        rows.append(row)
        expected.append(left * right)
    seen = drive(CellProduct(config=config), rows + [{}] * stages, ["product"])
    assert [row["product"] for row in seen[stages:]] == expected
