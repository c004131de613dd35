"""The kinds of weights, memories and layers, and two small functions on sizes."""

from dataclasses import dataclass
from enum import Enum


class MacKind(str, Enum):
    """How a stored weight code becomes a product; chosen once for an engine."""

    CODEBOOK = "codebook"
    """Code indexes 2**code_width shared weights, 16 in EIE (section 3); multiplied."""
    FIXED = "fixed"
    """Code is the weight itself, two's complement; multiplied."""
    LOG = "log"
    """Code is a sign and an exponent, weight = +-2**exponent; shifted (LogNet, section 3)."""
    LOG_SQRT2 = "log-sqrt2"
    """As log, but each step is a factor of sqrt 2 (LogNet), as 45 / 32; shifted."""
    TERNARY = "ternary"
    """Code is a sign, weight = +-1, and a weight of 0 has no entry; negated or not (TWN)."""


class ActCode(str, Enum):
    """What is sent of an activation that is an input of a layer; chosen once for an engine."""

    LINEAR = "linear"
    """The integer itself."""
    LOG = "log"
    """A sign and an exponent: the nearest power of 2, so that a product is a shift (LogNet,
    section 3)."""
    LOG_SQRT2 = "log-sqrt2"
    """As log, but each step is a factor of sqrt 2, as 45 / 32 (LogNet)."""


MANTISSAS = {ActCode.LINEAR: (), ActCode.LOG: (1,), ActCode.LOG_SQRT2: (32, 45)}
"""Activations that are sent as codes are these times powers of 2; ascending, within an octave."""


@dataclass(frozen=True, kw_only=True)
class Powers:
    """What activations at some place of an engine are rounded to."""

    levels: tuple[int, ...] = ()
    """Magnitudes of the powers that there are, ascending; none where any integer is sent."""
    terms: int = 1
    """An activation is the sum of at most so many of them."""


class EntryMemory(str, Enum):
    """Where the entries are stored."""

    BLOCK = "block"
    """Block RAM, one for each PE: any width, an entry a cycle, filled by the bitstream."""
    SPRAM = "spram"
    """iCE40 UP5K's 16-bit single-port RAMs: two neighbouring PEs take turns on one, and each reads
    two entries of at most 8 bits in its turn; filled over the load port."""


class LayerKind(str, Enum):
    """What a layer computes."""

    DENSE = "dense"
    """y = act(W x + b), fully connected."""
    LSTM = "lstm"
    """Long short-term memory; gates i, f, g, o (golden.arithmetic.cells)."""
    GRU = "gru"
    """Gated recurrent unit; gates z, r, and the two halves of n (golden.arithmetic.cells)."""
    CONV = "conv"
    """Convolution of one or more maps, and max pooling (golden.maps.convolution)."""

    @property
    def cells(self) -> bool:
        """It has cells, whose state lasts from step to step, and outputs are fed back."""
        return _TRAITS[self].cells

    @property
    def gates(self) -> int:
        """Rows of the matrix for each output."""
        return _TRAITS[self].gates


@dataclass(frozen=True, kw_only=True)
class _Traits:
    """The properties of a kind of layer."""

    gates: int = 1
    cells: bool = False


GATES = 4
"""Rows of a cell: LSTM i, f, g, o; GRU z, r, n from the input, n from the state."""

_TRAITS = {
    LayerKind.DENSE: _Traits(),
    LayerKind.LSTM: _Traits(gates=GATES, cells=True),
    LayerKind.GRU: _Traits(gates=GATES, cells=True),
    LayerKind.CONV: _Traits(),
}
"""Kind of layer -> its properties."""

PRE_FRAC = 12
"""Fraction bits of the argument of tanh; that of sigmoid has one less."""

GATE_FRAC = 14
"""Fraction bits of a gate, and of a cell's output; 1 is 2**14."""

CELL_WIDTH = 16
"""Bits of activations, gates and states where there are cells, signed."""

SEGMENTS = 256
"""Entries of the table."""

BASE_FRAC = 16
"""Fraction bits of the table's entries."""

DELTA_WIDTH = 11
"""Bits of an entry's delta, unsigned."""

SPRAM_ENTRIES = 1 << 14
"""Entries that each of the two PEs on an SPRAM can store."""


def bits_for(largest: int) -> int:
    """Bits that hold the unsigned integers 0..largest; at least 1."""
    return max(1, largest.bit_length())


def tree_levels(leaves: int, *, radix: int) -> int:
    """Levels of a `radix`-ary tree over `leaves` leaves; 0 for a single leaf."""
    levels = 0
    while leaves > 1:
        leaves = -(-leaves // radix)
        levels += 1
    return levels
