"""Where the cycles go: every cycle of every PE, attributed to exactly one cause."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.timing.schedule import Jobs


@dataclass(frozen=True, kw_only=True)
class Losses:
    """PE-cycles of one layer by cause; together they are PEs x cycles."""

    useful: int
    """An entry with a weight was issued."""
    padding: int
    """A padding entry was issued."""
    start_up: int
    """Before the first broadcast could reach a PE."""
    empty_queue: int
    """Nothing was queued: the broadcast in question had no entry in this PE."""
    full_queue: int
    """Nothing was queued: no broadcast came, because another PE's queue was nearly full."""
    turns: int = 0
    """A job was queued, but the neighbour had its turn at the memory that they share."""
    empty_column: int = 0
    """A job without an entry was handled (EIE's scheme only)."""
    imbalance: int
    """This PE had issued all its entries, but others had not."""
    drain: int
    """After the last entry of all PEs: flush, drain, sequencing."""

    @property
    def total(self) -> int:
        """All PE-cycles."""
        return sum(self.to_dict().values())

    def to_dict(self) -> dict[str, int]:
        """Cause -> PE-cycles."""
        return dataclasses.asdict(self)


def account(
    jobs: Jobs,
    stored: NDArray[np.int64],
    real: NDArray[np.int64],
    *,
    start: int,
    end: int,
) -> Losses:
    """Losses of one layer that ran in cycles start..end-1.

    `stored` and `real` are the entries of each broadcast's column, with and without padding, both
    (pes, K), in broadcast order.
    """
    pes = len(stored)
    # An entry is issued two cycles after the push of its job, at the earliest.
    first = jobs.push[0] + 2 if len(jobs.push) else np.full(pes, start)
    pe, k = np.nonzero(stored)
    pop, push = jobs.pop[k, pe], jobs.push[k, pe]
    issued = pop + stored[pe, k]  # cycle of the job's last issue
    before = np.empty_like(issued)
    before[1:] = issued[:-1]
    begins = np.diff(pe, prepend=-1) > 0
    before[begins] = first[pe[begins]] - 1
    # Idle from before + 1 to pop; from push + 2 on with the job in the queue.
    turns = np.maximum(0, pop - np.maximum(before, push + 1))
    waited = pop - before - turns
    came = _until(jobs.push, pe, before + waited - 2) - _until(jobs.push, pe, before - 2)
    done = first - 1
    np.maximum.at(done, pe, issued)
    last = int(done.max())
    losses = Losses(
        useful=int(real.sum()),
        padding=int((stored - real).sum()),
        start_up=int((first - start).sum()),
        empty_queue=int(came.sum()),
        full_queue=int((waited - came).sum()),
        turns=int(turns.sum()),
        imbalance=int((last - done).sum()),
        drain=pes * (end - 1 - last),
    )
    assert losses.total == pes * (end - start), "the losses do not add up"
    return losses


def _until(
    push: NDArray[np.int64], pe: NDArray[np.int64], cycle: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Broadcasts pushed to each PE up to each cycle; `pe` ascends."""
    bounds = np.searchsorted(pe, np.arange(push.shape[1] + 1))
    found = np.empty_like(cycle)
    for number, mine in enumerate(map(slice, bounds[:-1], bounds[1:])):
        found[mine] = np.searchsorted(push[:, number], cycle[mine], side="right")
    return found


def assignment_bound(stored: NDArray[np.int64]) -> float:
    """Most entries of a PE / the mean, for the entries (pes, K) of the broadcasts' columns.

    No queue and no schedule can do better than this multiple of the even share; 1 without entries.
    """
    per_pe = stored.sum(axis=1)
    return float(per_pe.max() / per_pe.mean()) if per_pe.any() else 1.0
