"""Where dense engines and unrolled logic win: network L from density .02 to 1.

Our cycles come from the golden model. A dense array counts at its peak, which flatters it: every
MAC unit is busy in every cycle, and weights are already loaded. Unrolled logic counts with 22 to 27
LUTs per non-zero, da4ml's measured range at 8 bits; where it fits, it gives a result every cycle.
"""

from dataclasses import dataclass
from typing import Any

from boards.registry import find
from elsie.bench.peers.networks import Workload, workload
from elsie.bench.peers.own import golden_cycles
from golden.record import Record

DENSITIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
DENSE_MACS = 16
"""Of the array that we compare with: 16 PEs of ours, and MARLANN's 16."""
MARLANN_MHZ = 27.5
UNROLLED_LUTS = (22, 27)
ECP5_LUTS = 83_640
"""TRELLIS_COMB of an LFE5U-85F."""


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """Network L at one density."""

    density: float
    nonzeros: int
    wide: int
    """Cycles on our 16 PEs."""
    wide_dense: int
    """Cycles on our 16 PEs with zeros stored."""
    narrow: int
    """Cycles on our 4 PEs."""
    peak: int
    """Cycles of a dense array of 16 MACs at its peak."""
    unrolled_luts: tuple[int, int]
    """LUTs of da4ml's logic, low and high estimate."""

    @property
    def unrolled_fits(self) -> bool:
        """Whether unrolled logic fits the largest ECP5 by the low estimate."""
        return self.unrolled_luts[0] <= ECP5_LUTS

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**super().to_dict(), "unrolled_fits": self.unrolled_fits}


def point(work: Workload) -> Point:
    """All figures at one density."""
    return Point(
        density=work.density,
        nonzeros=work.nonzeros,
        wide=golden_cycles(work, 16),
        wide_dense=golden_cycles(work, 16, dense=True),
        narrow=golden_cycles(work, 4),
        peak=-(-work.weights_in_all // DENSE_MACS),
        unrolled_luts=(UNROLLED_LUTS[0] * work.nonzeros, UNROLLED_LUTS[1] * work.nonzeros),
    )


def sweep(densities: tuple[float, ...] = DENSITIES) -> list[Point]:
    """The points, in order of density."""
    return [point(workload("L", density=density)) for density in densities]


def crossovers(points: list[Point]) -> dict[str, float | None]:
    """Density above (dense) or below (unrolled) which the other side wins; None: at no density.

    dense_peak_same_clock: 16 dense MACs a cycle against our 16 PEs, in cycles. own_dense: the
    same 16 PEs with zeros stored. marlann_up5k: MARLANN's peak at its clock against 4 PEs at the
    iCEBreaker's, in time. unrolled_ecp5: up to here da4ml's logic fits an LFE5U-85F (low, high).
    """
    clock = find("icebreaker").clock_mhz
    low, high = (ECP5_LUTS / luts for luts in reversed(UNROLLED_LUTS))
    every = points[-1].nonzeros / points[-1].density
    return {
        "dense_peak_same_clock": _crossing(points, [p.wide - p.peak for p in points]),
        "own_dense": _crossing(points, [p.wide - p.wide_dense for p in points]),
        "marlann_up5k": _crossing(
            points, [p.narrow / clock - p.peak / MARLANN_MHZ for p in points]
        ),
        "unrolled_ecp5_low": round(low / every, 3),
        "unrolled_ecp5_high": round(high / every, 3),
    }


def _crossing(points: list[Point], excess: list[float]) -> float | None:
    """Density at which `excess`, our loss, passes 0 upwards; straight lines between the points."""
    for left, right in zip(range(len(points)), range(1, len(points)), strict=False):
        if excess[left] <= 0 < excess[right]:
            share = -excess[left] / (excess[right] - excess[left])
            low, high = points[left].density, points[right].density
            return round(low + share * (high - low), 3)
    return points[0].density if excess[0] > 0 else None
