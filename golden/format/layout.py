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


def map_descriptor(config: EngineConfig) -> Layout:
    """One layer's word of the layer program in an engine with maps (docs/convolution.md).

    bias_base, shift, relu, last: as in `descriptor`. sources: words of sources that follow, less
    one. flat: one sum for each unit. unit_bits: of a unit's number. sums: of an output row in each
    PE, less one. outputs: of a row of its map in each PE, less one. height: output rows, less one.
    lead: of them, those before the first. live: output rows that are added to at a time. pool_rows,
    pool_columns: of a window, less one. region: first word of its map.
    """
    row = (config.row_width, False)
    ring = (config.maps.row_bits + 1, False)
    return {
        "bias_base": (config.column_width, False),
        "shift": (config.shift_width, False),
        "relu": (1, False),
        "last": (1, False),
        "sources": (bits_for(config.maps.sources - 1), False),
        "flat": (1, False),
        "unit_bits": (bits_for(config.row_width), False),
        "sums": row,
        "outputs": row,
        "height": (bits_for(config.maps.height - 1), False),
        "lead": ring,
        "live": ring,
        "pool_rows": ring,
        "pool_columns": row,
        "region": (bits_for(config.maps.depth - 1), False),
    }


def source_descriptor(config: EngineConfig) -> Layout:
    """One source's word, after its layer's.

    column_base: address of the pointers of column 0. step: columns from one row phase to the next.
    region: first word of the map. height: its rows, less one. due: rows above the first that is not
    due in the first state. row_step: rows that are due in a state, and row phases. phase: of row 0.
    column: address of the pointers of its first column. skipped: row phases without columns. shift:
    bits of an index that choose the column. more: by how many bits those above are shifted up.
    first: what is added to them, and then is the base. local: nothing leaves its group. still: the
    base is 0.
    """
    height = bits_for(config.maps.height + 4)  # no stride is more than 4
    return {
        "column_base": (config.column_width, False),
        "step": (config.column_width, False),
        "region": (bits_for(config.maps.depth - 1), False),
        "height": (bits_for(config.maps.height - 1), False),
        "due": (height + 1, True),
        "row_step": (height, False),
        "phase": (height, False),
        "column": (config.column_width, False),
        "skipped": (2, False),
        "shift": (bits_for(config.index_width), False),
        "more": (bits_for(config.row_width + 2), False),
        "first": (config.maps.base_width(config.row_depth), True),
        "local": (1, False),
        "still": (1, False),
    }


def program_word_width(config: EngineConfig) -> int:
    """Bits of a word of the layer program."""
    if config.maps.rows:
        return max(width(map_descriptor(config)), width(source_descriptor(config)))
    return width(descriptor(config))


def entry_word_width(config: EngineConfig) -> int:
    """Bits of a word of the entry memory: an entry, or two of up to 8 bits (`entry_lanes`)."""
    return width(entry(config)) if config.entry_lanes == 1 else 8 * config.entry_lanes


def column_word_width(config: EngineConfig) -> int:
    """Bits of a word of a group's column memory: each PE's pointer, first PE first; or a bias.

    With maps there are no biases among them.
    """
    if config.maps.rows:
        return config.group * width(pointer(config))
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
