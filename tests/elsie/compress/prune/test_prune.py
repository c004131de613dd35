"""Magnitude pruning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from elsie.compress.prune.prune import prune
from golden.errors import ElsieError

MATRICES = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.integers(-4, 4).map(float),
)


@given(MATRICES, st.floats(0.01, 1.0))
def test_keeps_the_largest(weight: np.ndarray, density: float) -> None:
    pruned = prune(weight, density)
    keep = max(1, round(density * weight.size))
    kept = pruned != 0
    assert kept.sum() == min(keep, np.count_nonzero(weight))
    assert (pruned[kept] == weight[kept]).all()
    if kept.any() and (~kept).any():
        assert np.abs(weight[kept]).min() >= np.abs(weight[~kept]).max()


def test_ties_go_to_the_first_in_row_major_order() -> None:
    assert prune(np.array([[1.0, -1.0], [1.0, 2.0]]), 0.5).tolist() == [[1.0, 0.0], [0.0, 2.0]]


def test_at_least_one_weight_stays() -> None:
    assert np.count_nonzero(prune(np.ones((3, 3)), 1e-6)) == 1


def test_all_of_them_are_a_copy_with_its_zeros() -> None:
    weight = np.array([[0.0, 3.0]])
    pruned = prune(weight, 1.0)
    assert pruned.tolist() == weight.tolist()
    assert pruned is not weight


@pytest.mark.parametrize("density", [0.0, -0.1, 1.1, float("nan")])
def test_refuses_a_density_out_of_range(density: float) -> None:
    with pytest.raises(ElsieError, match="density must be above 0 and at most 1"):
        prune(np.ones((2, 2)), density)
