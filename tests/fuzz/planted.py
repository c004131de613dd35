"""Readers with faults that the fuzzer must find: each fails in its own way on the byte 0x21."""

import os
from pathlib import Path
from random import Random
from typing import Any

from golden.errors import ElsieError
from tests.fuzz.target import Target

BAD = 0x21


def _raises(path: Path) -> bytes:
    data = path.read_bytes()
    if BAD in data:
        raise KeyError("not ours")
    if not data:
        raise ElsieError(f"{path}: empty")
    return data


def _nameless(path: Path) -> bytes:
    if BAD in path.read_bytes():
        raise ElsieError("something is wrong")
    return b""


def _dies(path: Path) -> bytes:
    if BAD in path.read_bytes():
        os.abort()
    return b""


def _greedy(path: Path) -> bytes:
    return bytes(1 << 40) if BAD in path.read_bytes() else b""


def _wrong(found: Any, path: Path) -> None:
    assert BAD not in path.read_bytes()


def _fill(rng: Random, data: bytes) -> bytes:
    """Longer by some bytes, of which one in about forty is bad."""
    return data + bytes(rng.randrange(0x10, 0x38) for _ in range(rng.randrange(20)))


def _target(read: Any, verify: Any = lambda found, path: None) -> Target:
    return Target(
        suffix=".bin", seeds=lambda: (b"", b"one"), mutate=_fill, read=read, verify=verify
    )


RAISES, NAMELESS, DIES = _target(_raises), _target(_nameless), _target(_dies)
GREEDY, WRONG = _target(_greedy), _target(lambda path: b"", _wrong)
