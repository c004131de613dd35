"""Frames: COBS of a message and its CRC-32, ended by a byte of zero."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from cobs import cobs

from boards.link.protocol import (
    ANSWER_HEAD,
    CHECKSUM,
    LONGEST,
    REQUEST_PAYLOAD,
    Command,
    Status,
)

END = b"\0"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a board says."""

    number: int
    """Sequence number of the request; with DAMAGED that of the request which is expected."""
    command: int
    """Of the request."""
    part: int
    """0, 1, ... (modulo 256) of an answer in several parts."""
    payload: bytes
    """What was asked for."""
    status: int
    """Of protocol.Status."""


def frame(message: bytes) -> bytes:
    """A message as it goes over the line, without a zero before it."""
    whole = message + zlib.crc32(message).to_bytes(CHECKSUM, "little")
    if len(whole) > LONGEST:
        raise ValueError(f"a message of {len(message)} bytes is too long")
    return cobs.encode(whole) + END


def message(raw: bytes) -> bytes | None:
    """The message of a frame, without its last zero; None if it is damaged."""
    try:
        whole = cobs.decode(raw)
    except cobs.DecodeError:
        return None
    if not CHECKSUM < len(whole) <= LONGEST:
        return None
    found, checksum = whole[:-CHECKSUM], whole[-CHECKSUM:]
    return found if zlib.crc32(found) == int.from_bytes(checksum, "little") else None


def request(number: int, command: Command, payload: bytes = b"") -> bytes:
    """A request as a host sends it: a zero comes first, which ends whatever was on the line."""
    if len(payload) > REQUEST_PAYLOAD:
        raise ValueError(f"a request carries {REQUEST_PAYLOAD} bytes, not {len(payload)}")
    return END + frame(bytes([number, command]) + payload)


def answer(raw: bytes) -> Answer | None:
    """A frame as an answer; None if it is none."""
    found = message(raw)
    if found is None or len(found) < ANSWER_HEAD + 1 or found[-1] not in list(Status):
        return None
    return Answer(
        number=found[0],
        command=found[1],
        part=found[2],
        payload=found[ANSWER_HEAD:-1],
        status=found[-1],
    )


class Splitter:
    """Cuts what arrives into frames, in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole frames, without their zeros; empty ones are left out."""
        *found, rest = (self._rest + data).split(END)
        # Longer than any frame: its beginning is enough to know that it is none.
        self._rest = rest[: LONGEST + 2]
        yield from (one for one in found if one)

    def clear(self) -> None:
        """Forget the beginning of a frame."""
        self._rest = b""
