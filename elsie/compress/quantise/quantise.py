"""Float weights to weight codes of an engine (what a code means: golden.format.alphabets)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elsie.compress.quantise.codes import DROPPED, MAX_FRAC, Codes, Coding
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig, MacKind
from golden.format.alphabets import ALPHABETS, decode


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """A matrix in weight codes; an integer weight w stands for w x 2**-weight_frac."""

    stored: NDArray[np.bool_]
    """Which weights have an entry, shape (n_out, n_in). Weights that became 0 have none."""
    codes: NDArray[np.int64]
    """Weight codes, the one nearest to 0 where nothing is stored, shape (n_out, n_in)."""
    codebook: NDArray[np.int64]
    """Shared integer weights, shape (2**code_width,); empty unless the kind is codebook."""
    weight_frac: int
    """Binary places of the integer weights."""
    values: NDArray[np.float64]
    """What the codes stand for, 0 where nothing is stored, shape (n_out, n_in)."""
    grid: NDArray[np.float64]
    """All values of the alphabet at this scale, ascending; without those of a codebook that only
    `exact` weights have."""
    bound: bool = False
    """No finer scale holds the `exact` weights."""


def quantise(
    config: EngineConfig,
    weight: NDArray[np.float64],
    *,
    scheme: Scheme | None = None,
    max_frac: int = MAX_FRAC,
    zero: bool = False,
    exact: Sequence[float] = (),
) -> Weights:
    """Quantise a finite matrix (n_out, n_in) for the engine `config`; zeros stay zeros.

    `scheme` is the alphabet, None for all values that the engine has; for it see
    elsie.compress.quantise.codes. `max_frac` bounds weight_frac from above, for layers whose bias
    would not fit otherwise. `zero`: a codebook has a code for 0, because a weight of 0 is stored.
    `exact`: weights that get just their own value if the alphabet can have it: the scale leaves
    room for it, and a codebook a place.
    """
    scheme = scheme or Scheme.of(config)
    quantiser = QUANTISERS[scheme.name]
    own = Coding(
        mac=quantiser.kind,
        code_width=scheme.bits,
        weight_width=config.weight_width,
        zeros=int(zero and scheme.bits == config.code_width),
        exact=tuple(exact),
    )
    highest = max_frac
    if exact and own.mac is not MacKind.CODEBOOK:
        top = float(decode(own, np.arange(1 << own.code_width)).max())
        highest = min(max_frac, math.floor(math.log2(top / max(map(abs, exact)))))
    present = weight[weight != 0]
    made = quantiser.codes(own, present, highest)
    grid = _grid(own, made)
    found, codebook, frac = (
        made
        if own.mac is config.mac is not MacKind.CODEBOOK
        else _shared(own, made, size=1 << config.code_width)
    )
    codes = np.zeros(weight.shape, dtype=np.int64)
    codes[weight != 0] = found
    integers = np.where(weight != 0, decode(config, codes, codebook), 0)
    stored = (integers != 0) & (codes != DROPPED)
    integers = np.where(stored, integers, 0)
    # Peepholes are kept even where they are 0, and code 0 is a codebook's most negative weight.
    nearest_to_0 = np.abs(decode(config, np.arange(1 << config.code_width), codebook)).argmin()
    return Weights(
        stored=stored,
        codes=np.where(stored, codes, nearest_to_0),
        codebook=codebook,
        weight_frac=frac,
        values=integers * 2.0**-frac,
        grid=grid * 2.0**-frac,
        bound=highest < max_frac and frac == highest,
    )


def _grid(own: Coding, made: Codes) -> NDArray[np.float64]:
    """The integer values of the alphabet; what is left of a codebook is filled with 0."""
    values = np.unique(decode(own, np.arange(1 << own.code_width), made[1]))
    if ALPHABETS[own.mac].codebook and values.any():
        values = values[values != 0]
    if ALPHABETS[own.mac].codebook and own.exact:
        left = values[~np.isin(values, np.ldexp(own.exact, made[2]))]
        values = left if left.size else values
    return values.astype(np.float64)


def _shared(own: Coding, made: Codes, *, size: int) -> Codes:
    """The same weights as codes of a codebook of `size` values, which holds the whole alphabet."""
    codes, codebook, frac = made
    if own.mac is not MacKind.CODEBOOK:
        every = decode(own, np.arange(1 << own.code_width))
        codebook, place = np.unique(every, return_inverse=True)
        codes = np.where(codes == DROPPED, DROPPED, place[codes])
    return codes, np.append(codebook, np.zeros(size - len(codebook), np.int64)), frac
