"""One-dimensional k-means against the best of all partitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elsie.compress.quantise import kmeans as module
from elsie.compress.quantise.kmeans import kmeans, nearest


def error(values: np.ndarray, centroids: np.ndarray) -> float:
    return float(np.sum((values - centroids[nearest(values, centroids)]) ** 2))


def brute_force(values: np.ndarray, k: int) -> float:
    """Least error over all partitions of the sorted values into at most k intervals."""
    x = np.sort(values)
    best = np.inf
    for count in range(min(k, len(x))):
        for cuts in itertools.combinations(range(1, len(x)), count):
            parts = np.split(x, cuts)
            best = min(best, sum(float(np.sum((p - p.mean()) ** 2)) for p in parts))
    return best


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=10), st.integers(1, 5))
def test_optimal_with_repeated_values(values: list[int], k: int) -> None:
    x = np.array(values) * 0.125 + 3.0
    centroids = kmeans(x, k)
    assert 1 <= len(centroids) <= k
    assert (np.diff(centroids) > 0).all()
    assert error(x, centroids) == pytest.approx(brute_force(x, k), abs=1e-9)


def test_against_the_plain_recurrence() -> None:
    """300 values, 6 clusters: too many for brute force, so the O(k n^2) recurrence."""
    x = np.sort(np.random.default_rng(3).standard_t(3, size=300))
    cost = np.array(
        [[np.var(x[i:j]) * (j - i) if i < j else 0.0 for j in range(301)] for i in range(301)]
    )
    best = cost[0]
    for _ in range(5):
        best = np.array([min(best[i] + cost[i, j] for i in range(j + 1)) for j in range(301)])
    assert error(x, kmeans(x, 6)) == pytest.approx(best[-1], rel=1e-9)


def test_few_distinct_values_are_kept_exactly() -> None:
    assert kmeans(np.array([2.0, -1.0, 2.0]), 16).tolist() == [-1.0, 2.0]


def test_merging_keeps_the_stated_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).normal(size=3000)
    optimum = np.sqrt(error(x, kmeans(x, 8)) / len(x))
    monkeypatch.setattr(module, "EXACT_VALUES", 64)
    merged = np.sqrt(error(x, kmeans(x, 8)) / len(x))
    assert optimum <= merged <= optimum + np.ptp(x) / 64
    assert merged <= 1.02 * optimum  # far inside the bound on ordinary data


def test_many_values() -> None:
    x = np.random.default_rng(5).normal(size=500_000)
    centroids = kmeans(x, 16)
    # The optimal 16-level quantiser of a normal distribution (Max, 1960) has error 0.009497.
    assert error(x, centroids) / len(x) == pytest.approx(0.009497, rel=0.01)


def test_nearest_agrees_with_the_distances() -> None:
    x, centroids = np.linspace(-3, 3, 101), np.array([-2.0, -0.3, 0.4, 2.5])
    distance = np.abs(x[:, None] - centroids)
    assert (distance[np.arange(101), nearest(x, centroids)] == distance.min(axis=1)).all()
