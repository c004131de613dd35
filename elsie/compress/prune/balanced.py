"""Load-balance-aware pruning: all PEs keep equally many non-zeros (ESE, section 3.2)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from elsie.compress.prune.prune import check_density
from golden.errors import ArgumentError, ElsieError

BALANCES = ("pe", "column")


def prune_balanced(
    weight: NDArray[np.float64],
    density: float,
    owner: NDArray[np.int64],
    *,
    pes: int,
    per: str = "pe",
    held: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Keep the largest magnitudes of each PE's rows, `round(density x size)` in all, at least one.

    `weight` is (n_out, n_in) and dense, as zeros are kept like other weights; `owner` (n_out,) is
    the PE of each row. Counts of two PEs differ by at most one, if each has enough rows. With per
    "column" so do those of two columns of a PE (as in Spartus' column-balanced targeted dropout),
    so that zero activations cannot make the PEs' work uneven either; "pe" means ESE's equal
    totals only. Of equal magnitudes the first in row-major order stay. `held` (pes,): weights that
    PEs keep of other matrices; a remainder goes to those with the fewest.

    Raises ElsieError for a density out of range, an owner that does not fit, or an unknown `per`.
    """
    check_density(density)
    if per not in BALANCES:
        raise ElsieError(f"no balance {per!r}; there are {', '.join(BALANCES)}")
    good = owner.shape == (len(weight),) and np.issubdtype(owner.dtype, np.integer)
    if not good or (len(owner) and not 0 <= owner.min() <= owner.max() < pes):
        raise ElsieError(f"owner must name one of {pes} PEs for each of {len(weight)} rows")
    kept = np.zeros(weight.shape, dtype=bool)
    rows, total = np.bincount(owner, minlength=pes), max(1, round(density * weight.size))
    for pe, count in enumerate(_even(total, rows * weight.shape[1], held)):
        mine = np.flatnonzero(owner == pe)
        magnitude = np.abs(weight[mine])
        keep = _largest if per == "pe" else _largest_by_column
        kept[mine] = keep(magnitude, int(count))
    return np.where(kept, weight, 0.0)


def check_balanced(balanced: str | None, density: Mapping[str, float | None]) -> None:
    """Raise ElsieError for an unknown balance, or one without a layer that is pruned.

    `balanced` None is none; `density` is that of each layer, None where nothing is pruned.
    """
    if balanced is None:
        return
    if balanced not in BALANCES:
        raise ElsieError(f"no balance {balanced!r}; there are {', '.join(BALANCES)}")
    if all(value is None for value in density.values()):
        raise ArgumentError("`balanced` says how to prune; give a `density` too")


def _even(total: int, room: NDArray[np.int64], held: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Shares of `total`, as even as `room` allows; a remainder goes to those that hold least."""
    share = np.zeros_like(room)
    order = np.arange(len(room)) if held is None else np.argsort(held, kind="stable")
    while total > share.sum():
        open_ = order[(share < room)[order]]
        each, rest = divmod(int(total - share.sum()), len(open_))
        if each:
            share[open_] += np.minimum(each, room[open_] - share[open_])
        else:
            share[open_[:rest]] += 1
    return share


def _largest(magnitude: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """The `count` largest of a PE's."""
    kept = np.zeros(magnitude.size, dtype=bool)
    kept[np.argsort(-magnitude.reshape(-1), kind="stable")[:count]] = True
    return kept.reshape(magnitude.shape)


def _largest_by_column(magnitude: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """The `count` largest of a PE's, equally many per column; one more where that loses least."""
    if not magnitude.size:
        return np.zeros(magnitude.shape, dtype=bool)
    each, rest = divmod(count, magnitude.shape[1])
    order = np.argsort(-magnitude, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(magnitude))[:, None], axis=0)
    kept = rank < each
    if rest:
        following = np.take_along_axis(magnitude, order[each : each + 1], axis=0)[0]
        columns = np.argsort(-following, kind="stable")[:rest]
        kept[order[each, columns], columns] = True
    return kept
