"""The kinds of weights that a layer may have: values, quantiser and training of each.

A kind is what a layer's shared values may be. An engine with a codebook holds any of them, so that
layers may differ; where all layers have one kind, and it has an engine of its own that needs no
codebook, the network gets that engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from elsie.compress.quantise import codes
from elsie.compress.quantise.codes import Codes, Coding, Reals
from elsie.compress.train.alphabets import Codebook, Freezing, TrainedScales, Training
from golden.format.alphabets import ALPHABETS
from golden.kinds import MacKind


class Solved(Enum):
    """What of the values a layer's outputs may decide, by least squares."""

    VALUES = "values"
    """Each value."""
    SIGNED = "signed"
    """Each value, but not its sign."""
    SCALE = "scale"
    """One factor for all."""
    POWER = "power"
    """One factor, a power of two: a few are tried."""


@dataclass(frozen=True, kw_only=True)
class Quantiser:
    """What the compiler does for one kind of weights."""

    codes: Callable[[Coding, Reals, int], Codes]
    """Quantises the non-zero weights, shape (n,); the last argument is max_frac."""
    kind: MacKind = MacKind.CODEBOOK
    """What these codes mean, and the engine where all layers have this kind."""
    bits: tuple[int, int] | None = None
    """The fewest and the most bits of a code; None for those of `kind`."""
    solved: Solved = Solved.POWER
    """What is solved for."""
    training: type[Training] = Freezing
    """How a network learns such weights."""
    keep: Callable[[Reals], Reals] = np.copy
    """Which weights of a matrix stay, the others 0, where no density is asked for."""
    drops: bool = True
    """A weight may become 0, and so lose its entry."""
    peepholes: bool | None = None
    """Some value is 0 or near it, as peepholes need that are all stored; None: as `kind`."""

    @property
    def widths(self) -> tuple[int, int]:
        """The fewest and the most bits of a code."""
        return self.bits or ALPHABETS[self.kind].code_widths

    @property
    def usual(self) -> int:
        """Bits of a code by default."""
        return ALPHABETS[self.kind].code_width if self.bits is None else self.bits[1]

    @property
    def near_0(self) -> bool:
        """Whether layers with peepholes may have it."""
        return ALPHABETS[self.kind].peepholes if self.peepholes is None else self.peepholes


QUANTISERS: Mapping[str, Quantiser] = {
    "codebook": Quantiser(codes=codes.codebook, solved=Solved.VALUES, training=Codebook),
    "fixed": Quantiser(codes=codes.fixed, kind=MacKind.FIXED),
    "log": Quantiser(codes=codes.powers, kind=MacKind.LOG),
    "log-sqrt2": Quantiser(codes=codes.powers, kind=MacKind.LOG_SQRT2),
    "ternary": Quantiser(codes=codes.ternary, kind=MacKind.TERNARY, keep=codes.above_threshold),
    "twn": Quantiser(
        codes=codes.one_scale,
        bits=(1, 1),
        solved=Solved.SCALE,
        keep=codes.best_for_one_scale,
        peepholes=False,
    ),
    "ttq": Quantiser(
        codes=codes.two_scales,
        bits=(1, 1),
        solved=Solved.SIGNED,
        training=TrainedScales,
        keep=codes.best_for_two_scales,
        peepholes=False,
    ),
    "binary": Quantiser(
        codes=codes.one_scale, bits=(1, 1), solved=Solved.SCALE, drops=False, peepholes=False
    ),
}
"""By name, as on the command line. Sources: golden.kinds.MacKind, elsie.compress.quantise.codes."""
