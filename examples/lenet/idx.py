"""The IDX files that MNIST and its likes come as, gzipped or not."""

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.errors import ElsieError
from golden.reading import FREE, RATIO, check_memory, reading

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Third byte of a file: what its numbers are."""
_GZIP = b"\x1f\x8b"


def read_idx(path: Path) -> NDArray[Any]:
    """The array of an IDX file.

    Two zeros, a byte for the type and one for the number of axes; each axis' length in 4 bytes, big
    end first; then the numbers, the last axis fastest. Raises ElsieError naming the file.
    """
    with reading(path, "an IDX file", "fetch it again"):
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = _inflated(data)
        if len(data) < 4 or data[:2] != bytes(2) or data[2] not in TYPES:
            raise ElsieError(
                "it does not begin like an IDX file: 0, 0, a type and a number of axes"
            )
        dtype, begin = np.dtype(TYPES[data[2]]), 4 + 4 * data[3]
        if len(data) < begin:
            raise ElsieError(f"it ends within the lengths of its {data[3]} axes")
        shape = np.frombuffer(data[4:begin], ">u4").tolist()
        wanted = math.prod(shape) * dtype.itemsize
        if wanted != len(data) - begin:
            raise ElsieError(
                f"an array of shape {tuple(shape)} takes {wanted} bytes, but it has "
                f"{len(data) - begin}"
            )
        return np.frombuffer(data[begin:], dtype).astype(dtype.newbyteorder("=")).reshape(shape)


def _inflated(data: bytes) -> bytes:
    """The contents of a gzip file, not more than its size can be trusted for."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)  # with gzip's header
    most = max(FREE, RATIO * len(data))
    try:
        found = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise ElsieError(f"its gzip stream is damaged: {error}") from None
    check_memory(len(found), len(data), "its contents")
    if not inflater.eof or inflater.unused_data:
        raise ElsieError("its gzip stream is damaged: it is cut short, or something follows it")
    return found
