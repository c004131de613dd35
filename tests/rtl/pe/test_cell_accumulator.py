"""Accumulators with cells against a list: additions at every distance, operations between them."""

import numpy as np
import pytest

from rtl.pe.cell_accumulator import CellAccumulator
from tests.cells import cell_config
from tests.rtl.helpers import drive

CONFIG = cell_config(pes=1, group=1, row_depth=4, streams=2)
ROWS = 8
"""Two sets of four."""
WATCH = ["commit", "commit_row", "total", "result"]
Row = dict[str, int]


@pytest.mark.parametrize("seed", range(8))
def test_additions_and_operations_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    sums = [0] * ROWS
    products: dict[int, int] = {}
    commits: dict[int, tuple[int, int]] = {}
    results: dict[int, int] = {}
    added: list[int | None] = [None, None]  # rows of the last two cycles' additions
    cleared: list[int | None] = [None, None]
    before: int | None = None  # total of the operation a cycle ago
    used = int(rng.integers(2, ROWS + 1))
    for cycle in range(400):
        row, product = int(rng.integers(0, used)), int(rng.integers(-(1 << 31), 1 << 31))
        what = rng.choice(["add", "operate", "none"], p=[0.5, 0.4, 0.1])
        now: Row = {"row": row}  # a row that nobody asked for counts for nothing
        add = clear = total = None
        if what == "add" and row not in cleared:
            now["real"], products[cycle + 2], add = 1, product, row
            sums[row] += product
            commits[cycle + 2] = (row, sums[row])
        elif what == "operate":
            base = str(rng.choice(["sums", "join", "nothing"]))
            now["operate"], products[cycle + 2], total = 1, product, product
            if base == "sums" and row not in added and row not in cleared:
                total += sums[row]
                now |= {"sums": 1, "clear": int(rng.random() < 0.5)}
                if now["clear"]:
                    sums[row], clear = 0, row
            elif base == "join" and before is not None:
                now["join"] = 1
                total += before
            results[cycle + 3] = total
        rows.append(now)
        added, cleared, before = [added[1], add], [cleared[1], clear], total
        if before is not None and abs(before) > 1 << 36:
            before = None  # sums of 40 bits must not overflow
    rows += [{}] * 4
    rows = [{**row, "product": products.get(n, 0)} for n, row in enumerate(rows)]
    seen = drive(CellAccumulator(config=CONFIG), rows, WATCH)
    got = {n: (row["commit_row"], row["total"]) for n, row in enumerate(seen) if row["commit"]}
    assert got == commits
    assert {n: seen[n]["result"] for n in results} == results
    joins = [row for row in rows if row.get("join")]
    assert min(len(commits), len(results)) > 100
    assert joins


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_a_sum_that_is_still_added_to_is_not_taken(distance: int) -> None:
    rows: list[Row] = [{"real": 1, "row": 5}, *({} for _ in range(distance - 1))]
    rows += [{"operate": 1, "sums": 1, "row": 5}, {}, {}, {}]
    rows[2]["product"] = 9
    dut = CellAccumulator(config=CONFIG)
    if distance < 3:
        with pytest.raises(AssertionError, match=r"taken while it is added to|at one address"):
            drive(dut, rows, WATCH)
    else:
        assert drive(dut, rows, WATCH)[distance + 3]["result"] == 9


@pytest.mark.parametrize("distance", [1, 2, 3])
@pytest.mark.parametrize("what", [{"real": 1}, {"operate": 1, "sums": 1}])
def test_a_sum_that_is_still_cleared_is_not_asked_for(what: Row, distance: int) -> None:
    rows: list[Row] = [{"operate": 1, "sums": 1, "clear": 1, "row": 5}]
    rows += [*({} for _ in range(distance - 1)), {**what, "row": 5}, {}, {}, {}]
    dut = CellAccumulator(config=CONFIG)
    if distance < 3:
        with pytest.raises(AssertionError, match=r"while it is cleared|at one address"):
            drive(dut, rows, WATCH)
    else:
        drive(dut, rows, WATCH)


def test_an_operation_beside_an_addition_is_asserted() -> None:
    with pytest.raises(AssertionError, match="begin together"):
        drive(CellAccumulator(config=CONFIG), [{"real": 1, "operate": 1}, {}], WATCH)
