"""Bit fields of every memory word and stream, in one place (docs/format.md draws them).

A layout is an ordered dict, field name -> (width, signed), least significant field first. `rtl`
makes Amaranth layouts of the same dicts; the image packer uses `pack` and `unpack`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.config import EngineConfig

Layout = dict[str, tuple[int, bool]]


def entry(config: EngineConfig) -> Layout:
    """One stored non-zero: weight code and zero run."""
    return {"code": (config.code_width, False), "run": (config.run_width, False)}


def pointer(config: EngineConfig) -> Layout:
    """One column of a PE: address of its first entry's word and how many entries it has."""
    return {
        "start": (config.start_width, False),
        "count": (config.count_width, False),
    }


def activation(config: EngineConfig) -> Layout:
    """One non-zero activation in a group's memory: index within the group, and value."""
    return {"index": (config.index_width, False), "value": (config.act_width, True)}


def descriptor(config: EngineConfig) -> Layout:
    """One layer of the program.

    column_base, bias_base: addresses in the column memory, of the pointers of column 0 and of the
    first bias. rows: rows per PE, less one. shift: requantising shift, less shift_low. relu:
    negative results become 0. last: the network ends here.
    """
    return {
        "column_base": (config.column_width, False),
        "bias_base": (config.column_width, False),
        "rows": (config.row_width, False),
        "shift": (config.shift_width, False),
        "relu": (1, False),
        "last": (1, False),
    }


def entry_word_width(config: EngineConfig) -> int:
    """Bits of a word of the entry memory: an entry, or two of up to 8 bits (`entry_lanes`)."""
    return width(entry(config)) if config.entry_lanes == 1 else 8 * config.entry_lanes


def column_word_width(config: EngineConfig) -> int:
    """Bits of a word of a group's column memory: each PE's pointer, first PE first; or a bias."""
    return max(config.group * width(pointer(config)), config.acc_width)


def width(layout: Layout) -> int:
    """Bits of a whole word."""
    return sum(bits for bits, _ in layout.values())


def pack(layout: Layout, **fields: ArrayLike) -> NDArray[np.uint64]:
    """Words from fields, which broadcast against each other.

    Raises ValueError when a field is missing, unknown, or does not fit its width.
    """
    if set(fields) != set(layout):
        raise ValueError(f"fields {sorted(fields)} given for a layout of {sorted(layout)}")
    if width(layout) > 64:
        raise ValueError(f"a word of {width(layout)} bits does not fit 64")
    word: NDArray[np.uint64] = np.zeros((), dtype=np.uint64)
    offset = 0
    for name, (bits, signed) in layout.items():
        value = np.asarray(fields[name], dtype=np.int64)
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if value.size and (value.min() < low or value.max() > high):
            raise ValueError(f"field {name}: {value.min()}..{value.max()} not in {low}..{high}")
        masked = (value & ((1 << bits) - 1)).astype(np.uint64)
        word = word | (masked << np.uint64(offset))
        offset += bits
    return word


def unpack(layout: Layout, words: ArrayLike) -> dict[str, NDArray[np.int64]]:
    """The reverse of `pack`."""
    raw = np.asarray(words, dtype=np.uint64)
    fields: dict[str, NDArray[np.int64]] = {}
    offset = 0
    for name, (bits, signed) in layout.items():
        value = ((raw >> np.uint64(offset)) & np.uint64((1 << bits) - 1)).astype(np.int64)
        if signed:
            value = np.where(value >> (bits - 1) & 1, value - (1 << bits), value)
        fields[name] = value
        offset += bits
    return fields
