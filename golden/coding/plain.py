"""Arrays of integers in the fewest whole bytes each, then LZMA: for layers of any size."""

import lzma
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from golden.errors import ElsieError
from golden.reading import check_memory

_FILTERS = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23, "lc": 0, "lp": 0, "pb": 0}]
_KINDS = ("<u1", "<u2", "<u4", "<i8")


def encode(arrays: Mapping[str, NDArray[np.int64]]) -> bytes:
    """The arrays, one after the other: kind, count, numbers; all of it compressed."""
    parts = []
    for values in arrays.values():
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        kind = next(
            nth for nth, k in enumerate(_KINDS)
            if np.iinfo(k).min <= low and high <= np.iinfo(k).max
        )  # fmt: skip
        flat = values.reshape(-1).astype(_KINDS[kind])
        parts += [bytes([kind]), flat.size.to_bytes(8, "little"), flat.tobytes()]
    plain = b"".join(parts)
    body = lzma.compress(plain, format=lzma.FORMAT_RAW, filters=_FILTERS)
    return len(plain).to_bytes(8, "little") + body


def decode(blob: bytes, names: tuple[str, ...], *, size: int) -> dict[str, NDArray[np.int64]]:
    """What `encode` wrote, in a file of `size` bytes, flat. Raises ElsieError, or lzma's errors."""
    wanted = int.from_bytes(blob[:8], "little")
    check_memory(8 * wanted, size, "its weights")
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_FILTERS)
    plain = reader.decompress(blob[8:], max_length=wanted + 1)
    if len(plain) != wanted or reader.unused_data:
        raise ElsieError(f"its weights are not the {wanted} bytes that were announced")
    found, place = {}, 0
    for name in names:
        kind, count = plain[place] if place < wanted else 255, plain[place + 1 : place + 9]
        if kind >= len(_KINDS) or len(count) < 8:
            raise ElsieError(f"array {name} has no kind of numbers")
        dtype = np.dtype(_KINDS[kind])
        begin, numbers = place + 9, int.from_bytes(count, "little")
        place = begin + numbers * dtype.itemsize
        if place > wanted:
            raise ElsieError(f"array {name} is cut short")
        found[name] = np.frombuffer(plain[begin:place], dtype).astype(np.int64)
    if place != wanted:
        raise ElsieError("bytes follow its last array")
    return found
