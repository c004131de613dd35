"""Row assignment: capacity, permutation, balance."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from elsie.compress.place import local_search
from elsie.compress.place.rows import STRATEGIES, assign_rows
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import locate


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
    pe, _ = locate(engine, assign_rows(engine, stored, strategy="lpt", activity=activity))
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
    assert largest("lpt") == largest("search") == 240


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
    with pytest.raises(
        ElsieError, match="no row assignment 'best'; there are search, lpt, row_mod_n"
    ):
        assign_rows(config(2), np.ones((2, 2), bool), strategy="best")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_sparse_matrix_is_assigned_as_a_dense_one(strategy: str) -> None:
    random = np.random.default_rng(4)
    stored, activity = random.random((60, 40)) < 0.2, random.random(40)
    dense = assign_rows(config(7), stored, strategy=strategy, activity=activity)
    for kind in (sparse.csc_matrix, sparse.csr_array, sparse.coo_matrix):
        other = assign_rows(config(7), kind(stored), strategy=strategy, activity=activity)
        assert other.tolist() == dense.tolist()


def costs_of(stored: np.ndarray, activity: np.ndarray, *, groups: int = 1) -> np.ndarray:
    matrix = sparse.csr_matrix(stored, dtype=np.float64)
    return local_search.pair_costs(matrix, activity, groups=groups, largest=len(stored))


def total(costs: np.ndarray, pe: np.ndarray) -> float:
    """What the search makes small."""
    return sum(costs[np.ix_(pe == q, pe == q)].sum(dtype=np.float64) for q in set(pe.tolist()))


def test_costs_are_expected_squares() -> None:
    """Every input of four columns, with its probability; one column at each of four stages.

    At a stage only the average work so far counts; at the end also how the work varies.
    """
    random = np.random.default_rng(2)
    stored = random.random((5, 4)) < 0.6
    activity = np.array([0.25, 0.5, 1.0, 0.75])
    rows = np.array([0, 2, 3])
    end, stages = 0.0, 0.0
    for bits in itertools.product([0, 1], repeat=4):
        chance = np.prod(np.where(bits, activity, 1 - activity))
        end += chance * stored[rows][:, np.array(bits) == 1].sum() ** 2
    for stage in range(local_search.POINTS):
        # Columns 0..3 come at stages 0, 8, 16 and 24 of 32.
        sofar = activity * (np.arange(4) * 8 <= stage)
        stages += (stored[rows] @ sofar).sum() ** 2 / local_search.POINTS
    costs = costs_of(stored, activity)
    unit = 256 * 256**2  # of the stages' weights, and of the activity
    assert costs[np.ix_(rows, rows)].sum() / unit == pytest.approx(end + stages, rel=1e-6)


@given(st.integers(0, 60), st.integers(2, 6))
def test_search_never_raises_the_cost(seed: int, pes: int) -> None:
    random = np.random.default_rng(seed)
    stored = random.random((29, 30)) < random.random((29, 1))
    activity = random.random(30)
    costs = costs_of(stored, activity, groups=config(pes).groups)
    start = np.arange(29) % pes
    better = local_search.improve(costs, start, pes)
    assert np.bincount(better, minlength=pes).max() <= -(-29 // pes)
    assert total(costs, better) <= total(costs, start)
    lpt, _ = locate(
        config(pes), assign_rows(config(pes), stored, strategy="lpt", activity=activity)
    )
    found, _ = locate(config(pes), assign_rows(config(pes), stored, activity=activity))
    assert total(costs, found) <= total(costs, lpt)


def test_search_finds_the_best_of_all_assignments() -> None:
    """Two PEs, six rows: all 20 ways tried."""
    random = np.random.default_rng(8)
    for _ in range(20):
        stored, activity = random.random((6, 12)) < 0.5, random.random(12)
        costs = costs_of(stored, activity)
        ways = itertools.combinations(range(6), 3)
        best = min(total(costs, np.isin(np.arange(6), way)) for way in ways)
        found = local_search.improve(costs, np.arange(6) % 2, 2)
        # Swaps of two rows: of three, no way is further than one swap and a mirror.
        assert total(costs, found) == best


def test_rows_that_share_columns_are_parted() -> None:
    """Equal work everywhere; but rows 0 and 1, and 2 and 3, use the same columns."""
    stored = np.repeat(np.eye(2, dtype=bool), 2, axis=0).repeat(8, axis=1)
    pe = local_search.improve(costs_of(stored, np.full(16, 0.5)), np.array([0, 0, 1, 1]), 2)
    assert pe[0] != pe[1]
    assert pe[2] != pe[3]


def test_dense_activations_are_balanced_along_the_broadcasts() -> None:
    """Every activation is used; rows have their entries in the first columns, or in the last."""
    stored = np.zeros((4, 64), dtype=bool)
    stored[:2, :32] = stored[2:, 32:] = True
    pe = local_search.improve(costs_of(stored, np.ones(64)), np.array([0, 0, 1, 1]), 2)
    assert pe[0] != pe[1]
    assert pe[2] != pe[3]


def test_beyond_its_size_there_is_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = np.random.default_rng(5).random((30, 20)) < 0.5
    monkeypatch.setattr(local_search, "LARGEST", 29)
    with_search = assign_rows(config(4), stored)
    assert with_search.tolist() == assign_rows(config(4), stored, strategy="lpt").tolist()
