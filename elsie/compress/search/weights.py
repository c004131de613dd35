"""Which weights a search chooses from, written as on the command line: codebook:4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from elsie.compress.quantise.kinds import Asked, parse
from elsie.compress.quantise.registry import QUANTISERS
from elsie.compress.quantise.schemes import Scheme
from golden.config import EngineConfig
from golden.kinds import MacKind

AUTO = "auto"
"""What the compiler is to find."""

_FEWER: Mapping[str, tuple[int, ...]] = {"codebook": (3, 2), "fixed": (6, 4), "log": (3,)}
"""Bits of a code beside a kind's usual ones; other kinds have the usual ones only."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Engine:
    """What a candidate's weights need."""

    config: EngineConfig
    """The engine."""
    weights: Asked | None = None
    """Alphabet of each layer; None: all have that of the engine."""
    frozen: frozenset[str] = frozenset()
    """Layers whose alphabet has no 0, so that none of their weights can be pruned."""

    @classmethod
    def of(cls, config: EngineConfig, schemes: Mapping[str | None, Scheme] | None) -> Self:
        """With the alphabets of layers, if they have any of their own."""
        each = (schemes or {}).items()
        frozen = {layer for layer, one in each if layer and not QUANTISERS[one.name].drops}
        return cls(config=config, weights=schemes, frozen=frozenset(frozen))


def choices(
    asked: Asked | None, *, own: MacKind, usual: tuple[MacKind, int] | None, width: int | None
) -> Sequence[Asked]:
    """All weights that are tried.

    asked: a kind, whose bits are found unless it names them; AUTO: all kinds that may be pruned;
    None: the kind `own`. What names single layers is taken as it is. usual: kind and bits of the
    model's layers, if they have any. width: bits of a code, if given, whatever the kind.
    """
    if asked is None:
        asked = own.value
    if asked == AUTO:
        names = [name for name, kind in QUANTISERS.items() if kind.drops]
        return [one for name in names for one in _widths(name, usual, width)]
    every = parse(asked)
    alone = every.get(None)
    if len(every) > 1 or not isinstance(alone, str) or ":" in alone:
        return [asked]
    return _widths(alone, usual, width)


def name_of(asked: Asked, config: EngineConfig) -> str:
    """As in tables: KIND:BITS, and LAYER=KIND:BITS where layers differ."""
    if isinstance(asked, str) and ":" not in asked and "," not in asked:
        return f"{asked}:{config.code_width}"
    if isinstance(asked, str):
        return asked
    return ",".join(f"{layer}={one}" if layer else str(one) for layer, one in asked.items())


def _widths(name: str, usual: tuple[MacKind, int] | None, width: int | None) -> list[str]:
    """A kind with the bits that are tried; without any where `width` decides."""
    if width is not None:
        return [name]
    first = usual[1] if usual and usual[0].value == name else QUANTISERS[name].usual
    more = (*((8,) if name == "fixed" else ()), *_FEWER.get(name, ()))
    return [f"{name}:{bits}" for bits in (first, *(n for n in more if n < first))]
