"""The arrays of a layer as bytes: by a range coder in contexts or by LZMA, whichever is shorter."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.coding import mask, plain
from golden.coding.numbers import (
    read_codes,
    read_count,
    read_integers,
    read_scaled,
    write_codes,
    write_integers,
    write_scaled,
)
from golden.coding.range_coder import Decoder, Encoder
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.layer import Layer, locate, place

MOST = 1 << 19
"""Places of the matrix and bits of its codes, together, up to which the range coder is used: it
takes about 1.5 microseconds for each, both ways."""
OLDER, LZMA, RANGE = 0, 1, 2
"""First byte of a layer: how the others are coded. OLDER is what version 4 had for RANGE."""
_WIDTH = 6
"""Bits of the width of codes."""
ARRAYS = ("indptr", "rows", "codes", "codebook", "bias", "position", "peephole")

Arrays = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is known of a layer before its arrays are read."""

    height: int
    """Rows of its matrix."""
    width: int
    """Columns."""
    outputs: int
    """Rows or cells that have a position."""
    config: EngineConfig
    """The network's."""
    size: int
    """Bytes of the file."""


def encode(layer: Layer, config: EngineConfig) -> bytes:
    """All arrays of a layer; equal ones give equal bytes."""
    arrays = {name: getattr(layer, name) for name in ARRAYS}
    packed = plain.encode({**arrays, "indptr": np.diff(layer.indptr), "rows": _gaps(layer)})
    found = bytes([LZMA]) + packed
    if _places(layer.n_rows, layer.n_columns, layer.nnz, _width(layer)) <= MOST:
        found = min(bytes([RANGE]) + _ranged(layer, config), found, key=len)
    return found


def decode(blob: bytes, shape: Shape) -> Arrays:
    """The arrays of a layer. Raises ElsieError, or what lzma raises, for damage."""
    if min(shape.height, shape.width) < 1 or not blob or blob[0] not in _READERS:
        raise ElsieError("it has no weights, or they are coded in a way that is not known")
    found = _READERS[blob[0]](blob[1:], shape)
    found["peephole"] = found["peephole"].reshape(-1, 3)
    return found


def _width(layer: Layer) -> int:
    """Bits of the largest code."""
    return int(max(layer.codes.max(initial=0), layer.peephole.max(initial=0))).bit_length()


def _places(height: int, width: int, total: int, code_width: int) -> int:
    """What the range coder has to do."""
    return height * width + total * code_width


def _gaps(layer: Layer) -> NDArray[np.int64]:
    """Rows between entries of a column, and before the first; that few numbers compress well."""
    before = np.concatenate(([-1], layer.rows[:-1]))[: layer.nnz]
    before[layer.indptr[:-1][np.diff(layer.indptr) > 0]] = -1
    return layer.rows - before - 1


def _ranged(layer: Layer, config: EngineConfig) -> bytes:
    to, width = Encoder(), _width(layer)
    write_integers(to, [layer.nnz])
    to.even(width, _WIDTH)
    mask.encode(to, layer.indptr, layer.rows, height=layer.n_rows)
    write_codes(to, layer.codes.tolist(), width)
    write_integers(to, [layer.codebook.size])
    write_scaled(to, np.diff(layer.codebook, prepend=0).tolist())
    write_scaled(to, layer.bias.tolist())
    pe, _ = locate(config, layer.position)
    in_order = np.array_equal(place(config, pe), layer.position)
    to.even(in_order, 1)
    if in_order:
        write_codes(to, pe.tolist(), (config.pes - 1).bit_length())
    else:
        write_integers(to, layer.position.tolist())
    to.even(layer.peepholes, 1)
    write_codes(to, layer.peephole.reshape(-1).tolist(), width)
    return to.end()


def _from_range(blob: bytes, shape: Shape) -> Arrays:
    source, code_width, found = _begun(blob, shape, lambda source: source.even(_WIDTH))
    size = read_count(source, "its length of codebook", 1 << 16)
    found["codebook"] = np.cumsum(_integers(read_scaled(source, size)))
    found["bias"] = _integers(read_scaled(source, shape.height))
    if source.even(1):
        pe = _integers(read_codes(source, shape.outputs, (shape.config.pes - 1).bit_length()))
        if pe.max() >= shape.config.pes:
            raise ElsieError(f"a row is on PE {pe.max()}, but there are {shape.config.pes}")
        found["position"] = place(shape.config, pe)
    else:
        found["position"] = _integers(read_integers(source, shape.outputs))
    count = 3 * shape.outputs * source.even(1)
    found["peephole"] = _integers(read_codes(source, count, code_width))
    return _ended(source, found)


def _from_older(blob: bytes, shape: Shape) -> Arrays:
    """Of version 4: lengths of all arrays, no numbers in steps, and positions as numbers."""
    source, code_width, found = _begun(
        blob, shape, lambda source: read_count(source, "its width of codes", 62)
    )
    limits = {"codebook": 1 << 16, "bias": shape.height, "position": shape.height}
    for name, most in limits.items():
        count = read_count(source, f"its length of {name}", most)
        found[name] = _integers(read_integers(source, count))
    count = read_count(source, "its number of peepholes", 3 * shape.height)
    found["peephole"] = _integers(read_codes(source, count, code_width))
    return _ended(source, found)


def _begun(
    blob: bytes, shape: Shape, read_width: Callable[[Decoder], int]
) -> tuple[Decoder, int, Arrays]:
    """A coder that has read the matrix, the width of its codes, and the matrix."""
    height, width = shape.height, shape.width
    if height * width > MOST:
        raise ElsieError(f"its matrix of {height} x {width} is too large for the range coder")
    source = Decoder(blob)
    total = read_count(source, "its number of weights", height * width)
    code_width = read_width(source)
    if _places(height, width, total, code_width) > MOST:
        raise ElsieError(f"its {total} codes of {code_width} bits are too many")
    indptr, rows = mask.decode(source, height=height, width=width, total=total)
    codes = _integers(read_codes(source, total, code_width))
    return source, code_width, {"indptr": indptr, "rows": rows, "codes": codes}


def _ended(source: Decoder, found: Arrays) -> Arrays:
    """The arrays, if nothing follows them."""
    if not source.over:
        raise ElsieError("bytes follow its weights")
    return found


def _integers(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _from_lzma(blob: bytes, shape: Shape) -> Arrays:
    found = plain.decode(blob, ARRAYS, size=shape.size)
    counts, gaps = found["indptr"], found["rows"]
    if len(counts) != shape.width or counts.sum() != len(gaps) or counts.max() > shape.height:
        raise ElsieError(
            f"its weights are not those of {shape.width} columns with {shape.height} rows"
        )
    found["indptr"] = np.concatenate(([0], np.cumsum(counts)))
    ends = np.cumsum(gaps + 1)
    base = np.concatenate(([0], ends))[found["indptr"][:-1]]
    found["rows"] = ends - np.repeat(base, counts) - 1
    return found


_READERS: dict[int, Callable[[bytes, Shape], Arrays]] = {
    OLDER: _from_older,
    LZMA: _from_lzma,
    RANGE: _from_range,
}
