"""The arrays of a layer as bytes: by a range coder in contexts or by LZMA, whichever is shorter."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from golden.coding import mask, plain
from golden.coding.numbers import (
    read_codes,
    read_count,
    read_integers,
    write_codes,
    write_integers,
)
from golden.coding.range_coder import Decoder, Encoder
from golden.errors import ElsieError
from golden.format.layer import Layer

MOST = 1 << 19
"""Places of the matrix and bits of its codes, together, up to which the range coder is used: it
takes about 1.5 microseconds for each, both ways."""
RANGE, LZMA = 0, 1
"""First byte of a layer: how the others are coded."""
ARRAYS = ("indptr", "rows", "codes", "codebook", "bias", "position", "peephole")

Arrays = dict[str, NDArray[np.int64]]


def encode(layer: Layer) -> bytes:
    """All arrays of a layer; equal ones give equal bytes."""
    arrays = {name: getattr(layer, name) for name in ARRAYS}
    packed = plain.encode({**arrays, "indptr": np.diff(layer.indptr), "rows": _gaps(layer)})
    found = bytes([LZMA]) + packed
    if _places(layer.n_rows, layer.n_columns, layer.nnz, _width(layer)) <= MOST:
        found = min(bytes([RANGE]) + _ranged(layer), found, key=len)
    return found


def decode(blob: bytes, *, height: int, width: int, size: int) -> Arrays:
    """The arrays of a layer with `height` rows and `width` columns, of a file of `size` bytes.

    Raises ElsieError, or what lzma raises, for damage.
    """
    if min(height, width) < 1 or not blob or blob[0] not in _READERS:
        raise ElsieError("it has no weights, or they are coded in a way that is not known")
    found = _READERS[blob[0]](blob[1:], height, width, size)
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


def _ranged(layer: Layer) -> bytes:
    to, width = Encoder(), _width(layer)
    write_integers(to, [layer.nnz])
    write_integers(to, [width])
    mask.encode(to, layer.indptr, layer.rows, height=layer.n_rows)
    write_codes(to, layer.codes.tolist(), width)
    for values in (layer.codebook, layer.bias, layer.position):
        write_integers(to, [len(values)])
        write_integers(to, values.tolist())
    write_integers(to, [layer.peephole.size])
    write_codes(to, layer.peephole.reshape(-1).tolist(), width)
    return to.end()


def _from_range(blob: bytes, height: int, width: int, _: int) -> Arrays:
    if height * width > MOST:
        raise ElsieError(f"its matrix of {height} x {width} is too large for the range coder")
    source = Decoder(blob)
    total = read_count(source, "its number of weights", height * width)
    code_width = read_count(source, "its width of codes", 62)
    if _places(height, width, total, code_width) > MOST:
        raise ElsieError(f"its {total} codes of {code_width} bits are too many")
    indptr, rows = mask.decode(source, height=height, width=width, total=total)
    found = {"indptr": indptr, "rows": rows, "codes": read_codes(source, total, code_width)}
    for name, most in (("codebook", 1 << 16), ("bias", height), ("position", height)):
        found[name] = read_integers(source, read_count(source, f"its length of {name}", most))
    count = read_count(source, "its number of peepholes", 3 * height)
    found["peephole"] = read_codes(source, count, code_width)
    if not source.over:
        raise ElsieError("bytes follow its weights")
    return {name: np.array(values, dtype=np.int64) for name, values in found.items()}


def _from_lzma(blob: bytes, height: int, width: int, size: int) -> Arrays:
    found = plain.decode(blob, ARRAYS, size=size)
    counts, gaps = found["indptr"], found["rows"]
    if len(counts) != width or counts.sum() != len(gaps) or counts.max() > height:
        raise ElsieError(f"its weights are not those of {width} columns with {height} rows")
    found["indptr"] = np.concatenate(([0], np.cumsum(counts)))
    ends = np.cumsum(gaps + 1)
    base = np.concatenate(([0], ends))[found["indptr"][:-1]]
    found["rows"] = ends - np.repeat(base, counts) - 1
    return found


_READERS: dict[int, Callable[[bytes, int, int, int], Arrays]] = {
    RANGE: _from_range,
    LZMA: _from_lzma,
}
