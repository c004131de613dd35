"""Rows to PEs and pruning to as much work on each, together, since each depends on the other."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from elsie.compress.place.rows import assign_rows
from elsie.compress.prune.balanced import BALANCES, prune_balanced
from elsie.compress.prune.prune import prune
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import locate


def assign_and_prune(
    config: EngineConfig,
    weight: NDArray[np.float64],
    density: float,
    *,
    per: str,
    strategy: str = "search",
    activity: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The pruned `weight` (n_out, n_in), and the PE of every row (n_out,), int64.

    Rows are assigned as `elsie.compress.place.rows.assign_rows` does for the matrix pruned plainly,
    on `activity` (n_in,); then `weight` is pruned for those owners (ESE, section 3.2), as
    `elsie.compress.prune.balanced.prune_balanced` describes for `per`. In this order the PEs are
    nearly even before they are made even, so few weights that plain pruning keeps are lost.

    Whoever moves a row to another PE afterwards loses the balance.

    Raises ElsieError for a density out of range, an unknown `per` or `strategy`.
    """
    plain = prune(weight, density)
    position = assign_rows(config, plain != 0, strategy=strategy, activity=activity)
    owner, _ = locate(config, position)
    return prune_balanced(weight, density, owner, pes=config.pes, per=per), owner


def check_balanced(balanced: str | None, density: Mapping[str, float | None]) -> None:
    """Raise ElsieError for an unknown balance, or one without a layer that is pruned.

    `balanced` None is none; `density` is that of each layer, None where nothing is pruned.
    """
    if balanced is None:
        return
    if balanced not in BALANCES:
        raise ElsieError(f"no balance {balanced!r}; there are {', '.join(BALANCES)}")
    if all(value is None for value in density.values()):
        raise ElsieError("balanced says how to prune, so it needs a density; give one too")
