"""What a board says of itself: its engine, its network, its line."""

import dataclasses
import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from enum import Enum
from typing import Any

from boards.link.protocol import VERSION, Loads
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import Image
from golden.maps.settings import Maps
from golden.stages import Stages

_HASH = 8
_FORM = struct.Struct("<BBIHH8s8sB")
NETWORK_AT = _FORM.size - 1 - _HASH
"""Where the network's hash is in the record."""
RECORD = 256
"""Bytes that a record has room for."""


class OtherVersion(ElsieError):
    """The board speaks another version of the protocol."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The record that ends an answer to IDENTIFY."""

    loads: Loads
    """What the host loads."""
    clock_hz: int
    """The engine's clock."""
    divisor: int
    """Clock cycles per bit at first."""
    buffer: int
    """Bytes of requests that may be on their way; each message counts its length + 1."""
    config: EngineConfig
    """The engine."""
    network: bytes
    """Hash of the network in the bitstream, or of the one that was loaded last; 8 bytes."""

    def pack(self) -> bytes:
        """The record's bytes. Raises ElsieError when there are too many."""
        values = zlib.compress(json.dumps(_values(self.config), separators=(",", ":")).encode(), 9)
        head = _FORM.pack(
            VERSION,
            self.loads,
            self.clock_hz,
            self.divisor,
            self.buffer,
            config_hash(self.config),
            self.network,
            len(values) & 0xFF,
        )
        if len(head) + len(values) > RECORD - 16:
            raise ElsieError("the engine's configuration is too long for the host link's record")
        return head + values

    @classmethod
    def unpack(cls, raw: bytes) -> "Identity":
        """The reverse of `pack`.

        Raises OtherVersion for a board of another version of protocol or Elsie.
        """
        if raw[:1] != bytes([VERSION]):
            found = raw[0] if raw else "no"
            raise OtherVersion(
                f"the board speaks version {found} of the host link, this Elsie {VERSION}; use the "
                f"Elsie that the bitstream was built with, or build it again"
            )
        try:
            _, loads, clock_hz, divisor, buffer, known, network, size = _FORM.unpack_from(raw)
            values = json.loads(zlib.decompress(raw[_FORM.size :][:size]))
            names = [field.name for field in dataclasses.fields(EngineConfig)]
            config = EngineConfig.from_dict(dict(zip(names, values, strict=True)))
            if config_hash(config) != known:
                raise ValueError("the hash differs")
            kind = Loads(loads)
        except (struct.error, zlib.error, ValueError, TypeError, ElsieError) as error:
            raise OtherVersion(
                f"the board's engine cannot be read ({error}); use the Elsie that the bitstream "
                f"was built with, or build it again"
            ) from None
        return cls(
            loads=kind,
            clock_hz=clock_hz,
            divisor=divisor,
            buffer=buffer,
            config=config,
            network=network,
        )


def _values(config: EngineConfig) -> list[Any]:
    """The fields in order, as JSON has them."""
    found: list[Any] = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, Stages | Maps):
            value = value.to_dict()
        found.append(value.value if isinstance(value, Enum) else value)
    return found


def config_hash(config: EngineConfig) -> bytes:
    """Eight bytes of the SHA-256 of an engine's configuration."""
    return hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode()).digest()[:_HASH]


def network_hash(image: Image, positions: list[int]) -> bytes:
    """Eight bytes of the SHA-256 of a network in its engine's memories.

    positions: of the last layer's outputs (golden.format.layer.Layer.position).
    """
    digest = hashlib.sha256(config_hash(image.config))
    for part in image.contents():
        digest.update(repr((part.memory.name, part.unit, [int(w) for w in part.words])).encode())
    digest.update(repr(positions).encode())
    return digest.digest()[:_HASH]
