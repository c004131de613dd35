"""The sums of a layer, at their addresses in the ring: what is added, what is taken, in order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Additions:
    """Entries that carry a weight and lead to a sum that exists; arrays of shape (additions,)."""

    pe: Ints
    address: Ints
    cycle: Ints
    """Of the issue."""
    product: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Takings:
    """Steps of drains, each of which takes a sum and sets it to zero; arrays of shape (steps,)."""

    pe: Ints
    address: Ints
    cycle: Ints


def resolve(depth: int, added: Additions, taken: Takings) -> tuple[Ints, Ints]:
    """The sum after each addition, and the sum that each step takes.

    As the engine does it: at an address, in the order of cycles, whatever row it is for. `depth`:
    sums of a PE.
    """
    kinds = (added, taken)
    key = np.concatenate([one.pe * depth + one.address for one in kinds])
    cycle = np.concatenate([one.cycle for one in kinds])
    value = np.concatenate([added.product, np.zeros_like(taken.cycle)])
    clears = np.arange(len(key)) >= len(added.cycle)
    order = np.lexsort((cycle, key))
    running, key, clears = np.cumsum(value[order]), key[order], clears[order]
    # A sum is of what came since its address changed, or since it was last taken.
    first = np.ones(len(key), dtype=bool)
    first[1:] = (key[1:] != key[:-1]) | clears[:-1]
    begin = np.flatnonzero(first)
    before = np.where(begin > 0, running[begin - 1], 0) if len(begin) else running
    running = running - np.repeat(before, np.diff(np.append(begin, len(key))))
    found = np.empty_like(running)
    found[order] = running
    return found[: len(added.cycle)], found[len(added.cycle) :]
