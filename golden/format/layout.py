"""Bit fields of every memory word and stream, in one place (docs/format.md draws them).

A layout is an ordered dict, field name -> (width, signed), least significant field first. `rtl`
makes Amaranth layouts of the same dicts; the image packer uses `pack` and `unpack`.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.config import EngineConfig
from golden.kinds import bits_for

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
    """One word of the layer program.

    column_base, bias_base: addresses in the column memory, of the pointers of column 0 and of the
    first bias. rows: rows per PE, less one. shift: requantising shift, less shift_low. relu:
    negative results become 0. last: the network ends here.

    With functions, function: of the results, a golden.format.program.Function. With cells there are
    more fields, see `cell_descriptor`.
    """
    return {
        "column_base": (config.column_width, False),
        "bias_base": (config.column_width, False),
        "rows": (config.row_width, False),
        "shift": (config.shift_width, False),
        "relu": (1, False),
        "last": (1, False),
        **({"function": (2, False)} if config.functions else {}),
        **(cell_descriptor(config) if config.cells else {}),
    }


def cell_descriptor(config: EngineConfig) -> Layout:
    """Further fields of the word in an engine with cells; there, rows counts a layer's cells.

    recurrent_base: address in the column memory of recurrent column 0. source, recurrent, target:
    lists of activations (golden.format.lists) of stream 0; source and target may alternate. kind:
    the program of operations (golden.format.program). cell_base: the first cell's number.
    peephole: address of the first peephole entry. head: runs only when an answer is requested.
    With delta also threshold: of the layer's outputs; source_threshold: of its input, used for the
    first layer; keep: its sums last.
    """
    threshold = (config.act_width - 1, False)
    delta = {"threshold": threshold, "source_threshold": threshold, "keep": (1, False)}
    return {
        "recurrent_base": (config.column_width, False),
        "source": (config.list_width, False),
        "source_alternates": (1, False),
        "recurrent": (config.list_width, False),
        "fed_back": (1, False),
        "target": (config.list_width, False),
        "target_alternates": (1, False),
        "kind": (2, False),
        "cell_base": (bits_for(config.cells), False),
        "peephole": (config.entry_address_width, False),
        "head": (1, False),
        **(delta if config.delta else {}),
    }


def entry_word_width(config: EngineConfig) -> int:
    """Bits of a word of the entry memory: an entry, or two of up to 8 bits (`entry_lanes`)."""
    return width(entry(config)) if config.entry_lanes == 1 else 8 * config.entry_lanes


def column_word_width(config: EngineConfig) -> int:
    """Bits of a word of a group's column memory: each PE's pointer, first PE first; or a bias."""
    return max(config.group * width(pointer(config)), config.acc_width)


def width(layout: Layout) -> int:
    """Bits of a word."""
    return sum(bits for bits, _ in layout.values())


def pack(layout: Layout, **fields: ArrayLike) -> NDArray[Any]:
    """Words from fields, which broadcast against each other.

    Words of more than 64 bits are Python integers (dtype object). Raises ValueError when a field is
    missing, unknown, or does not fit its width.
    """
    if set(fields) != set(layout):
        raise ValueError(f"fields {sorted(fields)} given for a layout of {sorted(layout)}")
    wide = width(layout) > 64
    kind, number = (object, int) if wide else (np.uint64, np.uint64)
    word: NDArray[Any] = np.zeros((), dtype=kind)
    offset = 0
    for name, (bits, signed) in layout.items():
        value = np.asarray(fields[name], dtype=np.int64)
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if value.size and (value.min() < low or value.max() > high):
            raise ValueError(f"field {name}: {value.min()}..{value.max()} not in {low}..{high}")
        masked = (value & ((1 << bits) - 1)).astype(kind)
        word = word | (masked << number(offset))
        offset += bits
    return word


def unpack(layout: Layout, words: ArrayLike) -> dict[str, NDArray[np.int64]]:
    """The reverse of `pack`."""
    wide = width(layout) > 64
    kind, number = (object, int) if wide else (np.uint64, np.uint64)
    raw = np.asarray(words, dtype=kind)
    fields: dict[str, NDArray[np.int64]] = {}
    offset = 0
    for name, (bits, signed) in layout.items():
        value = ((raw >> number(offset)) & number((1 << bits) - 1)).astype(np.int64)
        if signed:
            value = np.where(value >> (bits - 1) & 1, value - (1 << bits), value)
        fields[name] = value
        offset += bits
    return fields
