"""An image as the engine sees it: layers unpacked, and what the counters count."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.format import csc
from golden.format.alphabets import decode
from golden.format.image import Image, unpack_layer


@dataclass(frozen=True, kw_only=True, eq=False)
class UnpackedLayer:
    """One layer as the engine sees it, unpacked from the image."""

    column_base: int
    bias_base: int
    rows: int
    """Rows per PE."""
    shift: int
    relu: bool
    count: NDArray[np.int64]
    """Entries of each column, shape (pes, columns)."""
    start: NDArray[np.int64]
    """Address of each column's first entry, shape (pes, columns)."""
    first: NDArray[np.int64]
    """Index of each column's first entry in the flat arrays, shape (pes, columns)."""
    row: NDArray[np.int64]
    """Local row of each entry, shape (entries,)."""
    weight: NDArray[np.int64]
    """Integer weight of each entry, shape (entries,)."""
    real: NDArray[np.bool_]
    """False for padding entries, shape (entries,)."""
    decode: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    """Integer weights of the layer's codes, of any shape."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What the engine's counters show after an inference."""

    cycles: int
    """Cycles in which layers ran."""
    macs: int
    """Useful multiply-accumulates."""
    stalls: int
    """Cycles in which broadcasts were held because a queue was nearly full."""
    starved: int
    """PE-cycles without an entry to issue, until the PE knew that its layer's entries were over."""


def unpack(image: Image, words: dict[str, NDArray[np.int64]], number: int) -> UnpackedLayer:
    """Layer `number` of an image; `words` are the fields of its program."""
    config = image.config
    compressed, start = unpack_layer(image, number)
    nonzeros, real = csc.decode(config, compressed)
    book = None
    if image.codebook.size:
        base = number << config.code_width
        book = image.codebook[base : base + (1 << config.code_width)]
    count = compressed.count
    flat = count.reshape(-1)
    return UnpackedLayer(
        column_base=int(words["column_base"][number]),
        bias_base=int(words["bias_base"][number]),
        rows=int(words["rows"][number]) + 1,
        shift=int(words["shift"][number]) + config.shift_low,
        relu=bool(words["relu"][number]),
        count=count,
        start=start,
        first=(np.cumsum(flat) - flat).reshape(count.shape),
        row=nonzeros.row,
        weight=decode(config, compressed.code, book),
        real=real,
        decode=lambda codes: decode(config, codes, book),
    )


def accumulate(
    key: NDArray[np.int64], order: NDArray[np.int64], product: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Running sum after each product of its `key` in `order`, and the final sums, shape (size,)."""
    by_key = np.lexsort((order, key))
    sorted_key, running = key[by_key], np.cumsum(product[by_key])
    first = np.ones(len(key), dtype=bool)
    first[1:] = sorted_key[1:] != sorted_key[:-1]
    begin = np.flatnonzero(first)
    before = np.where(begin > 0, running[begin - 1], 0)
    running = running - np.repeat(before, np.diff(np.append(begin, len(key))))
    result = np.empty_like(running)
    result[by_key] = running
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, key, product)
    return result, sums
