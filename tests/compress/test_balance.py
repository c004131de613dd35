"""Row assignment: capacity, permutation, balance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress.balance import STRATEGIES, assign_rows
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.network import locate


def config(pes: int, group: int = 4) -> EngineConfig:
    return EngineConfig(pes=pes, group=group, queue_depth=32, act_depth=1024)


@given(
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(0, 99),
    st.sampled_from(STRATEGIES),
)
def test_every_row_has_a_place_of_its_own(
    rows: int, pes: int, group: int, seed: int, strategy: str
) -> None:
    random = np.random.default_rng(seed)
    stored, activity = random.random((rows, 7)) < 0.4, random.random(7)
    engine = config(pes, group)
    position = assign_rows(engine, stored, strategy=strategy, activity=activity)
    pe, row = locate(engine, position)
    assert len(np.unique(position)) == rows
    assert pe.max() < pes
    assert np.bincount(pe).max() <= -(-rows // pes)
    for number in range(pes):  # in the matrix's order, without gaps
        assert row[pe == number].tolist() == list(range((pe == number).sum()))
    again = assign_rows(engine, stored, strategy=strategy, activity=activity)
    assert (position == again).all()


@given(st.integers(0, 200))
def test_work_is_even(seed: int) -> None:
    """No PE exceeds the least loaded one, of those with room for a row, by more than one row."""
    random = np.random.default_rng(seed)
    stored = random.random((37, 50)) < random.random((37, 1))
    activity = random.random(50)
    engine = config(5)
    work = stored @ activity
    pe, _ = locate(engine, assign_rows(engine, stored, activity=activity))
    load, count = np.bincount(pe, work, 5), np.bincount(pe, minlength=5)
    room = count < -(-37 // 5)
    for number in range(5):
        smallest = work[pe == number].min()
        assert load[number] - smallest <= load[room].min(initial=np.inf) + 1e-9


def test_activity_decides() -> None:
    """Rows 0 and 1 have one non-zero, but in a column that is always used."""
    stored = np.zeros((4, 4), dtype=bool)
    stored[:2, 0] = stored[2:, 1:] = True
    engine = config(2)
    pe, _ = locate(engine, assign_rows(engine, stored, activity=np.array([1.0, 0, 0, 0])))
    assert pe[0] != pe[1]
    assert pe[2] != pe[3]  # equal work: then by non-zeros


def test_balances_better_than_row_mod_n() -> None:
    stored = np.arange(64)[:, None] % 4 * 10 > np.arange(30)[None, :]  # row mod 4 is the worst case
    engine = config(4)

    def largest(strategy: str) -> int:
        pe, _ = locate(engine, assign_rows(engine, stored, strategy=strategy))
        return int(np.bincount(pe, stored.sum(axis=1)).max())

    assert largest("row_mod_n") == 480
    assert largest("lpt") == 240


def test_shares_go_to_the_emptiest_memories() -> None:
    engine = config(3)
    stored = np.tri(3, 3, dtype=bool)  # 1, 2 and 3 non-zeros
    pe, _ = locate(engine, assign_rows(engine, stored, held=np.array([9, 4, 6])))
    assert pe.tolist() == [0, 2, 1]


def test_row_mod_n() -> None:
    pe, row = locate(config(3), assign_rows(config(3), np.ones((7, 1), bool), strategy="row_mod_n"))
    assert pe.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert row.tolist() == [0, 0, 0, 1, 1, 1, 2]


def test_unknown_strategy() -> None:
    with pytest.raises(ElsieError, match="no row assignment 'best'; there are lpt, row_mod_n"):
        assign_rows(config(2), np.ones((2, 2), bool), strategy="best")
