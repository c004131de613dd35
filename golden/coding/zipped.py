"""NET files up to version 4: a ZIP of a manifest, its checksum, and arrays."""

import hashlib
import json
from typing import Any, BinaryIO

from golden.arrays import members
from golden.errors import ElsieError

WEIGHTS = "weights.bin"
"""In version 4 the coded arrays of all layers."""


def unzip(file: BinaryIO) -> tuple[Any, dict[str, bytes]]:
    """What the JSON of the manifest says, and the other members by name.

    Raises ElsieError, or what zipfile raises for damage.
    """
    blobs = members(file)
    body = blobs.pop("manifest.json")
    if hashlib.sha256(body).hexdigest().encode() != blobs.pop("manifest.sha256"):
        raise ElsieError("the manifest does not match its checksum: the file was altered")
    return json.loads(body), blobs


def check_members(digests: dict[str, Any], blobs: dict[str, bytes]) -> None:
    """Raise ElsieError unless the members are those of the manifest, unaltered."""
    if set(blobs) != set(digests):
        raise ElsieError("arrays are missing or were added: the file was altered")
    for name, blob in blobs.items():
        if hashlib.sha256(blob).hexdigest() != digests[name]:
            raise ElsieError(f"array {name} does not match its checksum: the file was altered")


def parts(blobs: dict[str, bytes], count: int) -> list[bytes]:
    """The coded arrays of each of `count` layers, in version 4."""
    blob, place, found = blobs.get(WEIGHTS, b""), 0, []
    for number in range(count):
        begin = place + 8
        place = begin + int.from_bytes(blob[place:begin], "little")
        if place > len(blob):
            raise ElsieError(f"layer {number}: its weights are cut short")
        found.append(blob[begin:place])
    if place != len(blob):
        raise ElsieError(f"{WEIGHTS} has more bytes than its layers")
    return found
