"""NumPy's files: the same as NumPy reads, or refused before a header's word costs anything."""

import io
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.arrays import load
from golden.errors import ElsieError
from golden.reading import reading
from tests.fuzz.mutate import header, npy, rezip

X = np.random.default_rng(1).normal(size=(5, 64))


def read(path: Path) -> dict[str, Any]:
    with reading(path, "an archive of arrays", "save it again"):
        return load(path)


def directory(offset: int, value: int, *, local: int) -> bytes:
    """An archive of x with a field of its directory changed, at `offset`, and at the member."""
    out = bytearray(rezip([("x.npy", npy(X))]))
    at = out.index(b"PK\x01\x02")
    struct.pack_into("<H", out, at + offset, value)
    struct.pack_into("<H", out, local, value)
    return bytes(out)


def damaged() -> bytes:
    out = bytearray(rezip([("x.npy", npy(X))]))
    out[100:140] = bytes(range(40))
    return bytes(out)


def huge(shape: str) -> bytes:
    return header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}", bytes(64))


REFUSED = {
    "damaged deflate": (damaged(), "not an archive of arrays, or damaged (error: Error -3"),
    "unknown method": (directory(10, 99, local=8), "'x.npy' is compressed by a method that is not"),
    "encrypted": (directory(8, 1, local=6), "'x.npy' is encrypted; save it without a password"),
    "no array": (rezip([("x.npy", b"hello")]), "member 'x' is not an array"),
    "10^12 rows": (
        rezip([("x.npy", huge("(1000000000000, 64)"))]),
        "float64 of shape (1000000000000, 64), which takes 512000000000000 bytes, but it has 64",
    ),
    "10^12 rows of a .npy": (huge("(1000000000000, 64)"), "but it has 64"),
    "overflow": (huge("(4294967296, 4294967296)"), "but it has 64"),
    "negative": (huge("(-8, -1)"), "of shape (-8, -1)"),
    "too short": (npy(X)[:-8], "takes 2560 bytes, but it has 2552"),
    "too long": (npy(X) + npy(X), "takes 2560 bytes, but it has"),
    "version 3": (header("{}", b"", 3), "has version (3, 0) of the format"),
    "deep": (header("(" * 500 + ")" * 500, b""), "has a header that cannot be read"),
    "objects": (npy(np.array([{}], dtype=object)), "'x' holds Python objects"),
    "twice": (rezip([("x.npy", npy(X)), ("x.npy", npy(X))]), "two members are called 'x.npy'"),
    "two names": (rezip([("x.npy", npy(X)), ("x", npy(X))]), "two arrays are called 'x'"),
    "nothing": (b"", "not an archive of arrays, or damaged (BadZipFile: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    content, said = REFUSED[name]
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ElsieError, match=re.escape(said)) as caught:
        read(tmp_path / "x.npz")
    assert str(caught.value).startswith(f"{tmp_path / 'x.npz'}: ")


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """Neither one that says what it inflates to, nor one that says less."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(20 << 20))
    bomb = bytearray(buffer.getvalue())
    at = bomb.index(b"PK\x01\x02")
    for size, said in ((1 << 30, "its contents would take 1024 MiB"), (64, "Bad CRC-32")):
        struct.pack_into("<I", bomb, at + 24, size)
        (tmp_path / "x.npz").write_bytes(bomb)
        tracemalloc.start()
        with pytest.raises(ElsieError, match=said):
            read(tmp_path / "x.npz")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1 << 20


ARRAYS = (
    *(X, X.T, np.asfortranarray(X), X.astype(">f4"), X[0], np.float64(3), X[:0], X > 0),
    *(np.arange(3, dtype="u1"), np.array("csr"), np.array(b"csr")),
)


@pytest.mark.parametrize("number", range(len(ARRAYS)))
def test_as_numpy_reads(number: int, tmp_path: Path) -> None:
    array = np.asarray(ARRAYS[number])
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", a=array, b=X)
    np.savez_compressed(tmp_path / "c.npz", a=array)
    for name, key in (("a.npy", "x"), ("a.npz", "a"), ("c.npz", "a")):
        found = read(tmp_path / name)[key]
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        assert np.array_equal(found, array)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.npy", "none.npy: no such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (Path("/dev/zero"), "it is not a regular file"),
    ):
        with pytest.raises(ElsieError, match=said):
            read(path)
