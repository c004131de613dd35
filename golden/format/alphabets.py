"""Weight alphabets: what the codes of each MAC kind mean, and how wide codes and weights are.

The integer weight is `value * 2**weight_frac`; how `weight_frac` is chosen is the compiler's
business. A new kind of weights is a member of MacKind and an entry of ALPHABETS here, a product in
rtl/pe/product.py and a quantiser in elsie/compress/quantise (docs/extending.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.errors import ArgumentError
from golden.kinds import MacKind

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Alphabet:
    """One kind of weights."""

    title: str
    """As in 'code_width must be from 2 to 8 for ...'."""
    code_width: int
    """Bits of a code by default."""
    weight_width: int
    """Bits of a weight by default."""
    code_widths: tuple[int, int]
    """The fewest and the most bits of a code."""
    codebook: bool = False
    """Codes index 2**code_width shared weights of the layer."""
    is_weight: bool = False
    """A code is the weight itself, so that both have one width."""
    multiplied: bool = True
    """Products are made by a multiplier; else of the code itself, by gates."""
    peepholes: bool = True
    """Some weight is 0 or near it, as peepholes need that are all stored."""
    growth: Callable[[int, int], int]
    """Bits of a product beyond its activation's, from code_width and weight_width."""
    decode: Callable[[Ints, int, Ints], Ints]
    """Integer weights of codes of any shape, from the codes, code_width and the codebook."""

    def widths(self, given: Mapping[str, int]) -> dict[str, int]:
        """`code_width` and `weight_width`: those given, else the usual ones."""
        code, weight = given.get("code_width"), given.get("weight_width")
        if self.is_weight:  # one width, under whichever name it was given
            code, weight = code or weight, weight or code
        return {
            "code_width": code or self.code_width,
            "weight_width": weight or self.weight_width,
        }

    def check(self, code_width: int, weight_width: int) -> None:
        """Raise ElsieError for widths that the alphabet cannot have."""
        least, most = self.code_widths
        if not least <= code_width <= most:
            what = f"from {least} to {most}" if least < most else f"{most}"
            raise ArgumentError(
                f"engine configuration: `code_width` must be {what} for {self.title}, "
                f"not {code_width}"
            )
        if self.is_weight and code_width != weight_width:
            raise ArgumentError(
                f"engine configuration: `code_width` ({code_width}) must equal `weight_width` "
                f"({weight_width}) for {self.title}"
            )


def _shared(codes: Ints, code_width: int, codebook: Ints) -> Ints:
    if len(codebook) != 1 << code_width:
        raise ValueError(f"codebook weights need a codebook of {1 << code_width} values")
    return codebook[codes]


def _twos_complement(codes: Ints, code_width: int, _: Ints) -> Ints:
    return codes - 2 * (codes & (1 << (code_width - 1)))


def _powers(codes: Ints, code_width: int, _: Ints) -> Ints:
    """The top bit is the sign, the others the exponent."""
    top = 1 << (code_width - 1)
    magnitude = np.left_shift(np.int64(1), codes & (top - 1))
    return np.where(codes & top, -magnitude, magnitude)


def _half_powers(codes: Ints, code_width: int, _: Ints) -> Ints:
    """Powers of 2 and, between them, 45 / 32 of these: sqrt 2 less 0.6 %, and two additions.

    The top bit is the sign; of the others the lowest chooses 32 or 45, the rest is the shift.
    """
    top = 1 << (code_width - 1)
    magnitude = np.left_shift(np.where(codes & 1, 45, 32), (codes & (top - 1)) >> 1)
    return np.where(codes & top, -magnitude, magnitude)


def _signs(codes: Ints, code_width: int, _: Ints) -> Ints:
    return 1 - 2 * codes


ALPHABETS: dict[MacKind, Alphabet] = {
    MacKind.CODEBOOK: Alphabet(
        title="a codebook",
        code_width=4,
        weight_width=16,
        code_widths=(1, 8),
        codebook=True,
        growth=lambda code_width, weight_width: weight_width,
        decode=_shared,
    ),
    MacKind.FIXED: Alphabet(
        title="fixed weights",
        code_width=8,
        weight_width=8,
        code_widths=(2, 16),
        is_weight=True,
        growth=lambda code_width, weight_width: weight_width,
        decode=_twos_complement,
    ),
    MacKind.LOG: Alphabet(
        title="log weights (a sign and up to 4 bits of exponent)",
        code_width=4,
        weight_width=16,
        code_widths=(2, 5),
        multiplied=False,
        growth=lambda code_width, weight_width: 1 << (code_width - 1),
        decode=_powers,
    ),
    MacKind.LOG_SQRT2: Alphabet(
        title="log-sqrt2 weights (a sign and up to 5 bits of exponent)",
        code_width=4,
        weight_width=16,
        code_widths=(3, 6),
        multiplied=False,
        peepholes=False,  # with 4 bits the least weight is 1/11 of the largest
        growth=lambda code_width, weight_width: 6 + (1 << (code_width - 2)),
        decode=_half_powers,
    ),
    MacKind.TERNARY: Alphabet(
        title="ternary weights (a sign)",
        code_width=1,
        weight_width=2,
        code_widths=(1, 1),
        multiplied=False,
        peepholes=False,
        growth=lambda code_width, weight_width: 1,  # the least activation has no opposite
        decode=_signs,
    ),
}
"""MAC kind -> its alphabet. Sources: golden.kinds.MacKind."""


class Coded(Protocol):
    """The part of an engine's configuration that says how to read codes."""

    @property
    def mac(self) -> MacKind:
        """Kind of weights."""
        ...

    @property
    def code_width(self) -> int:
        """Bits of a code."""
        ...


def decode(config: Coded, codes: ArrayLike, codebook: ArrayLike | None = None) -> Ints:
    """Integer weights of `codes`, same shape; `codebook` only if the kind has one."""
    raw = np.asarray(codes, dtype=np.int64)
    book = np.asarray(() if codebook is None else codebook, dtype=np.int64)
    return ALPHABETS[config.mac].decode(raw, config.code_width, book)
