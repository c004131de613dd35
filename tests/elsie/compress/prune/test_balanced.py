"""Load-balance-aware pruning: as many in every PE, and the largest of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elsie.compress.prune.balanced import prune_balanced
from elsie.compress.prune.prune import prune
from golden.errors import ElsieError


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 1 << 30),
    shape=st.tuples(st.integers(1, 24), st.integers(1, 12)),
    pes=st.integers(1, 6),
    density=st.floats(0.05, 1.0),
    per=st.sampled_from(["pe", "column"]),
)
def test_counts_are_even(
    seed: int, shape: tuple[int, int], pes: int, density: float, per: str
) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=shape)
    owner = rng.integers(0, pes, shape[0])
    pruned = prune_balanced(weight, density, owner, pes=pes, per=per)
    kept = pruned != 0
    assert kept.sum() == max(1, round(density * weight.size))
    assert (pruned[kept] == weight[kept]).all()
    count = np.array([kept[owner == pe].sum() for pe in range(pes)])
    room = np.bincount(owner, minlength=pes) * shape[1]
    short = count < room  # the others keep all they have
    assert (count[~short] <= count[short].max(initial=count.max())).all()
    assert not short.any() or count[short].max() - count[short].min() <= 1
    for pe in range(pes):
        mine = owner == pe
        inside, outside = np.abs(weight[mine][kept[mine]]), np.abs(weight[mine][~kept[mine]])
        if per == "pe" and inside.size and outside.size:
            assert inside.min() >= outside.max()
        if per == "column" and mine.any():
            columns = kept[mine].sum(axis=0)
            assert columns.max() - columns.min() <= 1


def test_one_pe_is_plain_pruning() -> None:
    weight = np.random.default_rng(1).normal(size=(20, 30))
    owner = np.zeros(20, dtype=np.int64)
    assert np.array_equal(prune_balanced(weight, 0.2, owner, pes=1), prune(weight, 0.2))


def test_the_largest_next_weight_gets_the_extra_place() -> None:
    weight = np.array([[9.0, 1.0, 8.0], [2.0, 0.5, 7.0]])
    owner = np.zeros(2, dtype=np.int64)
    pruned = prune_balanced(weight, 4 / 6, owner, pes=1, per="column")
    assert pruned.tolist() == [[9.0, 1.0, 8.0], [0.0, 0.0, 7.0]]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"per": "row"}, "no balance 'row'; there are pe, column"),
        ({"owner": np.array([0, 2])}, "owner must name one of 2 PEs for each of 2 rows"),
        ({"owner": np.array([0])}, "owner must name one of 2 PEs"),
        ({"owner": np.array([0.0, 1.0])}, "owner must name one of 2 PEs"),
        ({"density": 0.0}, "density"),
    ],
)
def test_refusals(changes: dict, text: str) -> None:
    given = {"density": 0.5, "owner": np.array([0, 1]), "pes": 2, **changes}
    with pytest.raises(ElsieError, match=text):
        prune_balanced(np.ones((2, 3)), **given)
