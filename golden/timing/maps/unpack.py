"""The layers of an image with maps, as the engine sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.format import csc, layout
from golden.format.alphabets import decode
from golden.format.image import Image, entry_places
from golden.maps.words import unpack_program

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class MapLayer:
    """One layer: its words, and its entries."""

    word: dict[str, int]
    """golden.format.layout.map_descriptor."""
    sources: tuple[dict[str, int], ...]
    """golden.format.layout.source_descriptor of each source."""
    first_column: int
    """Address of its first pointer."""
    shift: int
    bias: Ints
    """Bias of each unit of each PE, shape (pes, units)."""
    count: Ints
    """Entries of each column from the first one on, shape (pes, columns)."""
    start: Ints
    """Address of each column's first entry, shape (pes, columns)."""
    first: Ints
    """Number of each column's first entry in the arrays below, shape (pes, columns)."""
    row: Ints
    """Local row of each entry, shape (entries,)."""
    weight: Ints
    """Integer weight of each entry, shape (entries,)."""
    real: NDArray[np.bool_]
    """False for padding, shape (entries,)."""

    @property
    def window(self) -> int:
        """Sums that become one activation."""
        return (self.word["pool_rows"] + 1) * (self.word["pool_columns"] + 1)


def unpack_maps(image: Image) -> tuple[MapLayer, ...]:
    """The layers of an image, in order."""
    config = image.config
    words = unpack_program(config, image.program)
    bases = [sources[0]["column_base"] for _, sources in words] + [image.used["pointers"]]
    found = []
    for number, (word, sources) in enumerate(words):
        pointers = image.pointers[:, bases[number] : bases[number + 1]]
        fields = layout.unpack(layout.pointer(config), pointers)
        count, start = fields["count"], fields["start"]
        pe, _, address = entry_places(count, start)
        entry = layout.unpack(layout.entry(config), image.entries[pe, address])
        packed = csc.Compressed(code=entry["code"], run=entry["run"], count=count)
        nonzeros, real = csc.decode(config, packed)
        book = None
        if image.codebook.size:
            base = number << config.code_width
            book = image.codebook[base : base + (1 << config.code_width)]
        flat = count.reshape(-1)
        found.append(
            MapLayer(
                word=word,
                sources=tuple(sources),
                first_column=bases[number],
                shift=word["shift"] + config.shift_low,
                bias=_biases(image, word),
                count=count,
                start=start,
                first=(np.cumsum(flat) - flat).reshape(count.shape),
                row=nonzeros.row,
                weight=decode(config, packed.code, book),
                real=real,
            )
        )
    return tuple(found)


def _biases(image: Image, word: dict[str, int]) -> Ints:
    """Bias of every unit of every PE, shape (pes, units)."""
    config, first = image.config, word["bias_base"] - image.config.column_depth
    units = word["sums"] + 1 if word["flat"] else 1 << word["unit_bits"]
    table = image.biases[:, first : first + units * config.group]
    every = table.reshape(config.groups, units, config.group).transpose(0, 2, 1)
    return every.reshape(config.slots, units)[: config.pes]
