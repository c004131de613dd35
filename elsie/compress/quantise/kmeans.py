"""Optimal one-dimensional k-means by dynamic programming.

Deep Compression (Han et al., ICLR 2016, section 3) shares weights with Lloyd's k-means, whose
result depends on its start. In one dimension the clusters of an optimum are intervals, so dynamic
programming finds it (Wang and Song, Ckmeans.1d.dp, R Journal 2011), and because the best cut moves
right as the end moves right, divide and conquer takes O(k n log n) (Groenlund et al., Fast exact
k-means, k-medians and Bregman divergence clustering in 1D, 2017).
"""

import numpy as np
from numpy.typing import NDArray

EXACT_VALUES = 1 << 14
"""Distinct values up to which the result is optimal."""


def kmeans(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """At most `k` centroids, ascending, of least squared error to `values` (any shape, not empty).

    Optimal up to rounding for at most EXACT_VALUES distinct values. More are first merged onto a
    grid of EXACT_VALUES cells of width h = (max - min) / EXACT_VALUES, each cell standing at the
    mean of its values; the root mean square error is then at most h above the optimum: merging
    moves the values by s <= h / 2 (root mean square), and the triangle inequality counts s twice.
    """
    distinct, count = np.unique(values, return_counts=True)
    weight = count.astype(np.float64)
    if len(distinct) > EXACT_VALUES:
        distinct, weight = _merge(distinct, weight)
    if len(distinct) <= k:
        return distinct
    return _optimal(distinct, weight, k)


def nearest(values: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest of the ascending `centroids` for each value; same shape as `values`."""
    return np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values)


def _merge(
    distinct: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and weights of the grid cells that hold values, ascending."""
    low, high = distinct[0], distinct[-1]
    cell = np.minimum((distinct - low) / (high - low) * EXACT_VALUES, EXACT_VALUES - 1)
    cell = cell.astype(np.int64)
    total = np.bincount(cell, weight).astype(np.float64)
    used = total > 0
    return np.bincount(cell, weight * distinct)[used] / total[used], total[used]


def _optimal(x: NDArray[np.float64], weight: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Centroids of the best partition of ascending `x` into at most `k` intervals."""
    mean = float(np.average(x, weights=weight))
    centred = x - mean  # keeps the differences of the prefix sums accurate
    sums = np.stack([weight, weight * centred, weight * centred**2])
    prefix = np.concatenate([np.zeros((3, 1)), np.cumsum(sums, axis=1)], axis=1)
    n = len(x)
    # best[j]: least error of x[:j]; with no interval only the empty prefix has one.
    best = np.concatenate([[0.0], _error(prefix, np.zeros(n, np.int64), np.arange(1, n + 1))])
    cuts = []
    for _ in range(k - 1):
        best, cut = _extend(best, prefix)
        cuts.append(cut)
    ends = [n]
    for cut in reversed(cuts):
        if ends[-1]:
            ends.append(int(cut[ends[-1] - 1]))
    bounds = np.unique([0, *ends])
    part = np.diff(prefix[:, bounds], axis=1)
    return part[1] / part[0] + mean


def _error(
    prefix: NDArray[np.float64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Squared error of x[start:end] around its mean; start < end, arrays of one shape."""
    w, s, q = (row[end] - row[start] for row in prefix)  # faster than one index for all rows
    return np.maximum(q - s * s / w, 0.0)


def _extend(
    best: NDArray[np.float64], prefix: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One more interval: the new `best`, and the start of the last interval of each x[:j + 1].

    The starts never decrease with j, so those of the odd multiples of `step` lie between those of
    the even ones, which are known from the previous step; all of one step are searched at once.
    """
    n = len(best) - 1
    result, cut = np.zeros(n + 1), np.zeros(n, dtype=np.int64)
    step = 1 << (n - 1).bit_length()
    while step:
        middle = np.arange(step - 1, n, 2 * step)
        low = np.where(middle >= step, cut[middle - step], 0)
        right = middle + step
        high = np.where(right < n, np.minimum(middle, cut[np.minimum(right, n - 1)]), middle)
        length = high - low + 1
        first = np.cumsum(length) - length
        owner = np.repeat(np.arange(len(middle)), length)
        start = np.arange(length.sum()) + (low - first)[owner]
        error = best[start] + _error(prefix, start, middle[owner] + 1)
        least = np.minimum.reduceat(error, first)
        hit = np.flatnonzero(error == least[owner])
        leftmost = np.searchsorted(hit, first)
        result[middle + 1], cut[middle] = least, start[hit[leftmost]]
        step >>= 1
    return result, cut
