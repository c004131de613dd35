"""How much work goes into keeping the accuracy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from golden.errors import ElsieError


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What is done without labels."""

    repair: bool = True
    """Least squares on the mask, and weights to the alphabet by their error in the outputs."""
    masks: bool = False
    """Masks by ALPS, instead of by magnitude."""
    largest: float = math.inf
    """Rows times columns squared of a layer up to which that is done."""
    distil: int = 0
    """Steps of distillation, once the masks stand."""
    rounds: int = 0
    """Steps in which the density falls, instead of at once."""
    between: int = 0
    """Steps of distillation after each of them."""


EFFORTS: Mapping[str, Effort] = {
    "none": Effort(repair=False),
    "fast": Effort(masks=True, largest=1e8),
    "normal": Effort(masks=True, distil=1000),
    "best": Effort(masks=True, distil=1500, rounds=8, between=300),
}
"""By name, the least first."""


def effort_of(name: str) -> Effort:
    """The effort of this name. Raises ElsieError listing them."""
    if name not in EFFORTS:
        raise ElsieError(f"no effort {name!r}; there are {', '.join(EFFORTS)}")
    return EFFORTS[name]
