"""Which alphabet a layer's weights have: a kind's name and the bits of a code."""

from dataclasses import dataclass

from golden.format.alphabets import Coded


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """The alphabet of one layer's weights."""

    name: str
    """A key of elsie.compress.quantise.registry.QUANTISERS."""
    bits: int
    """Bits of a code; the alphabet has at most 2**bits values, besides 0 that needs no code."""

    @classmethod
    def of(cls, config: Coded) -> "Scheme":
        """That of an engine, all of whose layers have its own kind of weights."""
        return cls(name=config.mac.value, bits=config.code_width)

    def __str__(self) -> str:
        """As on the command line."""
        return f"{self.name}:{self.bits}"
