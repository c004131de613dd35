"""The bytes of a NET file: what it is, a checksum, the manifest, and each layer's arrays."""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from golden.coding.phrases import PHRASES
from golden.errors import ElsieError
from golden.reading import check_memory

MAGIC = b"\x89ELSIE"
"""The first byte is no text, as in PNG."""
BEGINS = len(MAGIC) + 1
"""Bytes that say which version a file has."""
_DIGEST = 8
"""Bytes of the SHA-256 of what follows that a file has; they find damage, not forgery."""
_START = BEGINS + _DIGEST


def pack(version: int, manifest: dict[str, Any], parts: Sequence[bytes]) -> bytes:
    """A file; equal arguments give equal bytes."""
    # Figures may come as numpy scalars.
    text = json.dumps(
        manifest, sort_keys=True, separators=(",", ":"), default=lambda v: v.item()
    ).encode()
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, PHRASES)
    deflated = deflater.compress(text) + deflater.flush()
    body = _number(len(text)) + b"".join(_number(len(p)) + p for p in (deflated, *parts))
    return MAGIC + bytes([version]) + hashlib.sha256(body).digest()[:_DIGEST] + body


def version_of(begins: bytes) -> int:
    """The version of a file with these first BEGINS bytes; 0 if it does not begin like one."""
    return begins[-1] if begins[:-1] == MAGIC else 0


def unpack(data: bytes) -> tuple[Any, list[bytes]]:
    """What the JSON of the manifest says, and the parts. Raises ElsieError, or what zlib raises."""
    body = data[_START:]
    if hashlib.sha256(body).digest()[:_DIGEST] != data[BEGINS:_START]:
        raise ElsieError("it does not match its checksum: the file was altered")
    wanted, place = _read_number(body, 0)
    check_memory(wanted, len(data), "its manifest")
    deflated, *parts = _parts(body, place)
    inflater = zlib.decompressobj(-15, PHRASES)
    text = inflater.decompress(deflated, wanted + 1)
    if len(text) != wanted or not inflater.eof or inflater.unused_data:
        raise ElsieError(f"its manifest is not the {wanted} bytes that were announced")
    return json.loads(text), parts


def _parts(body: bytes, place: int) -> Iterator[bytes]:
    """What follows, each behind its number of bytes."""
    while place < len(body):
        size, begin = _read_number(body, place)
        place = begin + size
        if place > len(body):
            raise ElsieError("it is cut short")
        yield body[begin:place]


def _number(value: int) -> bytes:
    """7 bits a byte, the lowest first; all but the last byte have bit 7."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _read_number(body: bytes, place: int) -> tuple[int, int]:
    """A number of at most 9 bytes, and where it ends."""
    value = 0
    for nth, byte in enumerate(body[place : place + 9]):
        value |= (byte & 127) << 7 * nth
        if byte < 128:
            return value, place + nth + 1
    raise ElsieError("a length in it has no end")
