"""Place and route with one seed after another, and what came of them.

One seed is no figure: nextpnr's placement starts at random, and the clocks of several seeds lie 4
to 13 % apart.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from golden.errors import ArgumentError
from golden.record import Record


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Which seeds are tried."""

    first: int = 1
    """The first, at least 1."""
    count: int = 1
    """How many, at least 1."""
    every: bool = False
    """Try all, though one has met the clock; the best is taken."""

    def __post_init__(self) -> None:
        """Raise ArgumentError for numbers below 1."""
        for name, value in (("seed", self.first), ("seeds", self.count)):
            if value < 1:
                raise ArgumentError(f"`{name}` must be at least 1, not {value}")
        if self.every and self.count == 1:
            raise ArgumentError("`best` chooses among several `seeds`; say how many")

    def __iter__(self) -> Iterator[int]:
        """In order."""
        return iter(range(self.first, self.first + self.count))


@dataclass(frozen=True, kw_only=True)
class Tried(Record):
    """One seed's clock."""

    seed: int
    """Of place and route."""
    fmax_mhz: float
    """Highest clock, slow corner."""
    met: bool
    """It is at least the one that was asked for."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The clocks of several seeds."""

    least: float
    """MHz of the worst."""
    median: float
    """MHz in the middle."""
    most: float
    """MHz of the best."""

    @classmethod
    def of(cls, clocks: Sequence[float]) -> "Spread":
        """Of at least one clock."""
        return cls(least=min(clocks), median=statistics.median(clocks), most=max(clocks))


def best(tried: Sequence[Tried]) -> Tried:
    """The one with the highest clock, of equal ones the first."""
    return max(tried, key=lambda one: (one.met, one.fmax_mhz, -one.seed))


def sentence(tried: Sequence[Tried]) -> str:
    """How many seeds there were, and how their clocks are spread."""
    spread = Spread.of([one.fmax_mhz for one in tried])
    met = sum(one.met for one in tried)
    return (
        f"{len(tried)} tried, {met} met the clock: {spread.least:.2f} to {spread.most:.2f} MHz, "
        f"median {spread.median:.2f}"
    )
