"""The compressed format: against a slow encoder, EIE's example, padding, empty columns."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golden.config import EngineConfig
from golden.format import csc
from tests.golden.timing.slow_memories import slow_encode

Matrix = dict[tuple[int, int, int], int]
"""(pe, column, row) -> code"""


def config_of(run_width: int, pes: int = 3) -> EngineConfig:
    return EngineConfig(pes=pes, group=1, run_width=run_width, row_depth=128, queue_depth=16)


def nonzeros(matrix: Matrix) -> csc.Nonzeros:
    keys = np.array(list(matrix), dtype=np.int64).reshape(-1, 3)
    return csc.Nonzeros(
        pe=keys[:, 0],
        column=keys[:, 1],
        row=keys[:, 2],
        code=np.array(list(matrix.values()), dtype=np.int64),
    )


def matrices() -> st.SearchStrategy[Matrix]:
    key = st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 40))
    return st.dictionaries(key, st.integers(0, 15), max_size=60)


@given(matrices(), st.integers(2, 6))
@example({}, 2)
@example({(2, 6, 40): 3}, 2)
@example({(0, 0, 0): 1, (0, 3, 0): 2, (1, 6, 7): 0}, 2)
def test_against_the_slow_encoder_and_back(matrix: Matrix, run_width: int) -> None:
    config = config_of(run_width)
    got = csc.encode(config, nonzeros(matrix), columns=7)
    columns = [
        slow_encode(run_width, {r: code for (p, c, r), code in matrix.items() if (p, c) == (pe, k)})
        for pe in range(3)
        for k in range(7)
    ]
    entries = [entry for column in columns for entry in column]
    assert list(zip(got.code.tolist(), got.run.tolist(), strict=True)) == entries
    assert got.count.tolist() == np.reshape([len(c) for c in columns], (3, 7)).tolist()
    assert got.per_pe.sum() == len(entries)

    back, real = csc.decode(config, got)
    rows = zip(back.pe[real], back.column[real], back.row[real], back.code[real], strict=True)
    assert {(int(p), int(c), int(r)): int(code) for p, c, r, code in rows} == matrix
    assert real.sum() == len(matrix)


def test_eies_example_column() -> None:
    """EIE, section 3: [0, 0, 1, 2, 0 x 18, 3], where its 4-bit run needs padding.

    Its padding carries a zero: v = [1, 2, 0, 3], z = [2, 0, 15, 2]. Here the run of all ones, 15,
    is padding and skips 15 rows without taking one; 18 = 15 + 3.
    """
    config = config_of(4, pes=1)
    column = {(0, 0, 2): 1, (0, 0, 3): 2, (0, 0, 22): 3}
    got = csc.encode(config, nonzeros(column), columns=1)
    assert got.code.tolist() == [1, 2, 0, 3]
    assert got.run.tolist() == [2, 0, 15, 3]
    assert got.count.tolist() == [[4]]
    assert csc.padding_run(config) == 15


@pytest.mark.parametrize(
    ("row", "runs"),
    [(0, [0]), (2, [2]), (3, [3, 0]), (5, [3, 2]), (6, [3, 3, 0]), (10, [3, 3, 3, 1])],
)
def test_padding_at_run_width_2(row: int, runs: list[int]) -> None:
    got = csc.encode(config_of(2, pes=1), nonzeros({(0, 0, row): 9}), columns=1)
    assert got.run.tolist() == runs
    assert got.code.tolist() == [0] * (len(runs) - 1) + [9]


def test_a_run_field_of_the_rows_bits_never_pads() -> None:
    config = config_of(6, pes=1)
    got = csc.encode(config, nonzeros({(0, 0, 62): 1, (0, 1, 0): 2}), columns=2)
    assert got.run.tolist() == [62, 0]


def test_order_of_the_input_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    matrix = {tuple(int(v) for v in rng.integers(0, [3, 7, 40])): 5 for _ in range(40)}
    items = list(matrix.items())
    rng.shuffle(items)
    config = config_of(3)
    first = csc.encode(config, nonzeros(dict(matrix)), columns=7)  # pyright: ignore
    second = csc.encode(config, nonzeros(dict(items)), columns=7)  # pyright: ignore
    assert first.run.tolist() == second.run.tolist()
    assert first.count.tolist() == second.count.tolist()
