"""Accumulators against a list: rows that collide at every distance, and operations on the sums."""

import numpy as np
import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from golden.config import EngineConfig
from rtl.pe.accumulator import Accumulator
from tests.cells import cell_config
from tests.rtl.helpers import Ecp5, drive, on_ecp5, tiny_config

CELLS = cell_config(pes=1, group=1, row_depth=4, streams=2)
ROWS = 8
"""Two sets of four."""
WATCH = ["commit", "commit_row", "total", "result"]
Row = dict[str, int]


@pytest.fixture(params=["block RAM", "LUT RAM"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms must pass the same tests."""
    if request.param == "LUT RAM":
        on_ecp5(monkeypatch, Accumulator)
    return request.param


def test_which_form() -> None:
    """LUT RAM where there is any, up to 16 sums, without cells."""

    def registers(config: EngineConfig, platform: object) -> bool:
        return "previous" in rtlil.convert(Accumulator(config=config), platform=platform)

    assert registers(tiny_config(row_depth=16, act_depth=128), None)
    assert not registers(tiny_config(row_depth=16, act_depth=128), Ecp5())
    assert registers(tiny_config(row_depth=17, act_depth=128), Ecp5())
    assert registers(CELLS, Ecp5())


def operation(row: int, **totals: int) -> Row:
    """An operation on the sum of a row."""
    return {"operate": 1, "totals.row": row, **{f"totals.{k}": v for k, v in totals.items()}}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rows_used", [1, 2, 3, 8])
@pytest.mark.usefixtures("form")
def test_random_additions_then_operations(seed: int, rows_used: int) -> None:
    config = tiny_config(weight_width=8, acc_width=24)
    latency = Accumulator.result_latency(config)
    rng = np.random.default_rng(seed)
    sums = dict.fromkeys(range(8), 0)
    rows: list[Row] = []
    products: dict[int, int] = {}
    expected: dict[int, tuple[int, int]] = {}
    taken: dict[int, int] = {}
    for _ in range(2):  # the second one starts from the sums that the operations left: zero
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
            taken[len(rows) + latency] = sums[int(row)]
            sums[int(row)] = 0
            rows.append(operation(int(row)))
        rows.append({})
    rows = [{**row, "product": products.get(n, 0)} for n, row in enumerate([*rows, {}, {}])]
    seen = drive(Accumulator(config=config), rows, WATCH)
    commits = {
        cycle: (row["commit_row"], row["total"]) for cycle, row in enumerate(seen) if row["commit"]
    }
    assert commits == expected
    assert {cycle: seen[cycle]["result"] for cycle in taken} == taken
    assert any(taken.values())


@pytest.mark.parametrize(
    "rows",
    [
        [{"real": 1}, operation(3)],
        [{"real": 1}, {}, operation(3)],
        [operation(3), {"real": 1}],
    ],
)
@pytest.mark.usefixtures("form")
def test_an_operation_while_adding_is_asserted(rows: list[Row]) -> None:
    with pytest.raises(AssertionError, match="a sum is taken while another is added to"):
        drive(Accumulator(config=tiny_config()), [*rows, {}, {}], WATCH)


@pytest.mark.usefixtures("form")
def test_a_product_beside_an_operation_is_asserted() -> None:
    rows: list[Row] = [operation(3), {"product": 1}, {}]
    with pytest.raises(AssertionError, match="a sum is not cleared to zero"):
        drive(Accumulator(config=tiny_config()), rows, WATCH)
    drive(Accumulator(config=tiny_config()), [{**rows[0], "product": 1}, {}, {}], WATCH)


@pytest.mark.usefixtures("form")
def test_the_nearest_operation_that_is_allowed() -> None:
    rows: list[Row] = [{"real": 1, "row": 2}, {}, {"product": 7}, operation(2), {}]
    rows += [{"real": 1, "row": 2}, {}, {"product": 5}, {}]
    seen = drive(Accumulator(config=tiny_config()), rows, WATCH)
    assert seen[4]["result"] == 7
    assert [n for n, row in enumerate(seen) if row["commit"]] == [2, 7]
    assert seen[7]["total"] == 5


@pytest.mark.parametrize("seed", range(8))
def test_with_cells_additions_and_operations_in_any_order(seed: int) -> None:
    latency = Accumulator.result_latency(CELLS)
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
        # Rows that nobody asked for count for nothing.
        now: Row = {"row": row, "totals.row": int(rng.integers(0, used))}
        add = clear = total = None
        if what == "add" and row not in cleared:
            now["real"], products[cycle + 2], add = 1, product, row
            sums[row] += product
            commits[cycle + 2] = (row, sums[row])
        elif what == "operate":
            base = str(rng.choice(["sums", "join", "nothing"]))
            products[cycle + 2] = total = product
            now = operation(row) | {"row": int(rng.integers(0, used))}
            if base == "sums" and row not in added and row not in cleared:
                total += sums[row]
                clears = int(rng.random() < 0.5)
                now |= {"totals.sums": 1, "totals.clear": clears}
                if clears:
                    sums[row], clear = 0, row
            elif base == "join" and before is not None:
                now["totals.join"] = 1
                total += before
            results[cycle + latency] = total
        rows.append(now)
        added, cleared, before = [added[1], add], [cleared[1], clear], total
        if before is not None and abs(before) > 1 << 36:
            before = None  # sums of 40 bits must not overflow
    rows += [{}] * 4
    rows = [{**row, "product": products.get(n, 0)} for n, row in enumerate(rows)]
    seen = drive(Accumulator(config=CELLS), rows, WATCH)
    got = {n: (row["commit_row"], row["total"]) for n, row in enumerate(seen) if row["commit"]}
    assert got == commits
    assert {n: seen[n]["result"] for n in results} == results
    joins = [row for row in rows if row.get("totals.join")]
    assert min(len(commits), len(results)) > 100
    assert joins


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_a_sum_that_is_still_added_to_is_not_taken(distance: int) -> None:
    rows: list[Row] = [{"real": 1, "row": 5}, *({} for _ in range(distance - 1))]
    rows += [operation(5, sums=1), {}, {}, {}]
    rows[2]["product"] = 9
    dut = Accumulator(config=CELLS)
    if distance < 3:
        with pytest.raises(AssertionError, match=r"taken while it is added to|at one address"):
            drive(dut, rows, WATCH)
    else:
        assert drive(dut, rows, WATCH)[distance + 3]["result"] == 9


@pytest.mark.parametrize("distance", [1, 2, 3])
@pytest.mark.parametrize("what", [{"real": 1, "row": 5}, operation(5, sums=1)], ids=str)
def test_a_sum_that_is_still_cleared_is_not_asked_for(what: Row, distance: int) -> None:
    rows: list[Row] = [operation(5, sums=1, clear=1)]
    rows += [*({} for _ in range(distance - 1)), what, {}, {}, {}]
    dut = Accumulator(config=CELLS)
    if distance < 3:
        with pytest.raises(AssertionError, match=r"while it is cleared|at one address"):
            drive(dut, rows, WATCH)
    else:
        drive(dut, rows, WATCH)


@pytest.mark.parametrize("config", [tiny_config(), CELLS], ids=["without cells", "with cells"])
def test_an_operation_beside_an_addition_is_asserted(config: EngineConfig) -> None:
    with pytest.raises(AssertionError, match=r"begin together|taken while another is added to"):
        drive(Accumulator(config=config), [{"real": 1, **operation(1)}, {}], WATCH)
