"""Load-balance-aware pruning of a layer (ESE, section 3.2): rows to PEs first, then its weights."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elsie.compress.model.layer import Part, Reals
from elsie.compress.place.rows import assign_rows
from elsie.compress.prune.balanced import prune_balanced
from elsie.compress.prune.prune import prune
from golden.config import EngineConfig
from golden.format.layer import locate

Owners = tuple[NDArray[np.int64] | None, ...]
"""PE of every output, shape (n_out,), for each part; None where rows may go anywhere."""


def prune_plainly(parts: Sequence[Part], keep: Callable[[Reals], Reals]) -> tuple[Part, ...]:
    """Each matrix, and each gate separately, with the weights that `keep` leaves of it.

    Or each row by itself, of all matrices together, so that outputs have equally many.
    """
    return tuple(_by_row(part, keep) if part.by_row else _by_gate(part, keep) for part in parts)


def _by_gate(part: Part, keep: Callable[[Reals], Reals]) -> Part:
    every = [np.stack([keep(gate) for gate in matrix]) for matrix in part.matrices]
    return replace(part, matrices=tuple(every))


def _by_row(part: Part, keep: Callable[[Reals], Reals]) -> Part:
    whole = np.concatenate(part.matrices, axis=2)
    if whole.size:
        whole = np.stack([[keep(row[None])[0] for row in gate] for gate in whole])
    ends = np.cumsum([matrix.shape[2] for matrix in part.matrices])[:-1]
    return replace(part, matrices=tuple(np.split(whole, ends, axis=2)))


def prune_evenly(
    config: EngineConfig,
    parts: Sequence[Part],
    density: float,
    *,
    per: str,
    strategy: str = "search",
    activity: Reals | None = None,
) -> tuple[tuple[Part, ...], Owners]:
    """A layer's parts pruned so that all PEs keep equally many weights, of each matrix and in all.

    Outputs are assigned as `elsie.compress.place.rows.assign_rows` does for the plainly pruned
    part, on `activity` (n_in,) of the layer's inputs; other columns count as always active. Then
    each matrix is pruned for these owners, as `elsie.compress.prune.balanced.prune_balanced`
    describes for `per`. In this order the PEs are nearly even to begin with, so few weights that
    plain pruning keeps are lost.

    Returns the parts and the PE of every output; moving one destroys the balance. Raises
    ElsieError for a density out of range, an unknown `per` or `strategy`.
    """
    held = np.zeros(config.pes, dtype=np.int64)

    def even(weight: Reals, owner: NDArray[np.int64]) -> Reals:
        kept = prune_balanced(weight, density, owner, pes=config.pes, per=per, held=held)
        np.add.at(held, owner, np.count_nonzero(kept, axis=1))
        return kept

    found, owners = [], []
    plain = prune_plainly(parts, lambda gate: prune(gate, density))
    for part, thin in zip(parts, plain, strict=True):
        active = None
        if activity is not None and not found:
            active = np.ones(thin.kept.shape[1])
            active[: len(activity)] = activity
        position = assign_rows(config, thin.kept, strategy=strategy, activity=active)
        owner, _ = locate(config, position)
        matrices = [np.stack([even(gate, owner) for gate in m]) for m in part.matrices]
        found.append(replace(part, matrices=tuple(matrices)))
        owners.append(owner)
    return tuple(found), tuple(owners)
