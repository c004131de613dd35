"""Accumulators against a dict, with rows that collide at every distance; the drain's clear."""

import numpy as np
import pytest

from rtl.pe.accumulator import Accumulator
from tests.rtl.helpers import drive, tiny_config

WATCH = ["commit", "commit_row", "total", "sum"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rows_used", [1, 2, 3, 8])
def test_random_additions_then_drain(seed: int, rows_used: int) -> None:
    config = tiny_config(weight_width=8, acc_width=24)
    rng = np.random.default_rng(seed)
    sums = dict.fromkeys(range(8), 0)
    rows: list[dict[str, int]] = []
    products: dict[int, int] = {}
    expected: dict[int, tuple[int, int]] = {}
    drained: dict[int, int] = {}
    for _ in range(2):  # the second one starts from the sums that the drain left: zero
        for _ in range(60):
            real, row = int(rng.random() < 0.85), int(rng.integers(0, rows_used))
            product = int(rng.integers(-(1 << 15), 1 << 15))
            rows.append({"real": real, "row": row})
            # Also where no addition began: nobody may look at it.
            products[len(rows) + 1] = product
            if real:
                sums[row] += product
                expected[len(rows) + 1] = (row, sums[row])
        rows += [{}, {}]
        for row in rng.permutation(8):
            drained[len(rows) + 1] = sums[int(row)]
            sums[int(row)] = 0
            rows.append({"clear": 1, "clear_row": int(row)})
        rows.append({})
    rows = [{**row, "product": products.get(n, 0)} for n, row in enumerate([*rows, {}, {}])]
    seen = drive(Accumulator(config=config), rows, WATCH)
    commits = {
        cycle: (row["commit_row"], row["total"]) for cycle, row in enumerate(seen) if row["commit"]
    }
    assert commits == expected
    assert {cycle: seen[cycle]["sum"] for cycle in drained} == drained
    assert any(drained.values())


@pytest.mark.parametrize(
    "rows",
    [
        [{"real": 1, "clear": 1, "row": 1}],
        [{"real": 1}, {"clear": 1, "clear_row": 3}],
        [{"real": 1}, {}, {"clear": 1, "clear_row": 3}],
        [{"clear": 1, "clear_row": 3}, {"real": 1}],
    ],
)
def test_draining_while_adding_is_asserted(rows: list[dict[str, int]]) -> None:
    with pytest.raises(AssertionError, match="drained while it adds"):
        drive(Accumulator(config=tiny_config()), [*rows, {}, {}], WATCH)


def test_a_product_beside_a_clear_is_asserted() -> None:
    rows = [{"clear": 1, "clear_row": 3}, {"product": 1}, {}]
    with pytest.raises(AssertionError, match="a sum is not cleared to zero"):
        drive(Accumulator(config=tiny_config()), rows, WATCH)
    drive(Accumulator(config=tiny_config()), [{**rows[0], "product": 1}, {}, {}], WATCH)


def test_the_nearest_drain_that_is_allowed() -> None:
    rows = [{"real": 1, "row": 2}, {}, {"product": 7}, {"clear": 1, "clear_row": 2}, {}]
    rows += [{"real": 1, "row": 2}, {}, {"product": 5}, {}]
    seen = drive(Accumulator(config=tiny_config()), rows, WATCH)
    assert seen[4]["sum"] == 7
    assert [n for n, row in enumerate(seen) if row["commit"]] == [2, 7]
    assert seen[7]["total"] == 5
