"""IDX files, gzipped or not."""

import gzip
import struct
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from examples.lenet.idx import TYPES, read_idx
from tests.fuzz import mutate
from tests.fuzz.target import Target


@cache
def seeds() -> tuple[bytes, ...]:
    plain = []
    for code, shape in ((0x08, (3, 2, 2)), (0x0B, (4,)), (0x0D, (2, 3))):
        array = np.arange(np.prod(shape)).astype(TYPES[code])
        lengths = struct.pack(f">{len(shape)}I", *shape)
        plain.append(bytes([0, 0, code, len(shape)]) + lengths + array.tobytes())
    return (*plain, gzip.compress(plain[0], mtime=0))


def change(rng: Random, data: bytes) -> bytes:
    """At times of what is in the gzip stream."""
    if data.startswith(b"\x1f\x8b") and rng.random() < 0.5:
        try:
            return gzip.compress(mutate.of_bytes(rng, gzip.decompress(data)), mtime=0)
        except Exception:  # damaged too much before
            return data
    return mutate.of_bytes(rng, data)


def verify(found: np.ndarray[Any, Any], path: Path) -> None:
    """Each number as struct reads it."""
    data = path.read_bytes()
    data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    letter = {0x08: "B", 0x09: "b", 0x0B: "h", 0x0C: "i", 0x0D: "f", 0x0E: "d"}[data[2]]
    begin = 4 + 4 * data[3]
    assert found.shape == struct.unpack(f">{data[3]}I", data[4:begin])
    expected = struct.unpack(f">{found.size}{letter}", data[begin:])
    assert np.array_equal(found.reshape(-1), np.array(expected), equal_nan=letter in "fd")


IDX = Target(suffix="-idx", seeds=seeds, mutate=change, read=read_idx, verify=verify)
