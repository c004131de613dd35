"""Damage to bytes, text, arrays and archives."""

import io
import re
import struct
import zipfile
from random import Random
from typing import Any

import numpy as np

INTEGERS = (0, 1, -1, 2, 7, 64, 255, 1 << 16, 1 << 31, 1 << 40, (1 << 63) - 1, 1 << 63, 10**12)
FLOATS = (0.0, -0.0, 0.5, 64.0, 1e-320, 1e38, 1e300, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "x", "y", "relu", "lstm", "gru", "\u00e9", "a b", "../x", "\x00", "x" * 300)


def value(rng: Random, old: Any = None) -> Any:
    """Something else of JSON, often of nearly the same type as what it replaces."""
    near: list[Any] = []
    if isinstance(old, int):
        near = [old + 1, old - 1, 2 * old, -old, float(old), str(old), bool(old), int(old)]
    if isinstance(old, str):
        near = [old.upper(), old + " ", old[:-1], list(old)]
    if isinstance(old, list):
        near = [old[:-1], old + old[:1], old[::-1]]
    others: list[Any] = [*INTEGERS, *FLOATS, *TEXTS, None, True, False, [], {}, [1], {"x": 1}]
    others += ["\ud800", 10**400]
    return rng.choice(near if near and rng.random() < 0.6 else others)


def of_bytes(rng: Random, data: bytes) -> bytes:
    """One change anywhere."""
    out = bytearray(data)
    at = rng.randrange(len(out) + 1)
    size = rng.choice((1, 2, 4, 8, rng.randrange(1, 65)))
    kind = rng.randrange(8)
    if kind == 0 or not data:
        out[at:at] = rng.randbytes(size)
    elif kind == 1:
        del out[at : at + size]
    elif kind == 2:
        out = out[:at]
    elif kind == 3:
        other = rng.randrange(len(out))
        out[at : at + size] = out[other : other + size]
    elif kind == 4:
        word = rng.choice(INTEGERS) & (1 << 64) - 1
        out[at : at + 8] = struct.pack(rng.choice("<>") + "Q", word)[: rng.choice((2, 4, 8))]
    elif kind == 5:
        out[at : at + size] = bytes([rng.choice((0, 255, 32, 10))]) * size
    else:
        out[min(at, len(out) - 1)] ^= 1 << rng.randrange(8)
    return bytes(out)


_TOKENS = (
    *("0", "1", "-1", "+1", "01", "1.", ".5", "1e3", "1e", "1e-", "3.0D-01", "1,7", "1_0", "0x1"),
    *("nan", "inf", "-Infinity", "1e400", "1e-400", "--1", "1.5.2", "10" * 12, "9" * 50, "\u0661"),
    *("1000000000000", "2147483648", "4294967297", "18446744073709551616", "%", "% x", "real"),
    *("complex", "integer", "pattern", "symmetric", "skew-symmetric", "hermitian", "array", "\x00"),
)


def of_text(rng: Random, data: bytes) -> bytes:
    """One change of a word, a blank or a line; at times of any byte."""
    lines = data.split(b"\n")
    nth = rng.randrange(len(lines))
    pieces = re.split(rb"([ \t,]+)", lines[nth])
    kind = rng.randrange(10)
    if kind < 4:
        pieces[2 * rng.randrange((len(pieces) + 1) // 2)] = rng.choice(_TOKENS).encode()
    elif kind == 4 and len(pieces) > 1:
        odd = rng.choice((b"", b"\t", b"  ", b"\r", b"\x0b", b"\xa0", b"\n", b","))
        pieces[2 * rng.randrange(len(pieces) // 2) + 1] = odd
    elif kind == 5:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    elif kind == 6 and len(lines) > 1:
        del lines[nth]
        return b"\n".join(lines)
    elif kind == 7:
        return data.rstrip() if rng.random() < 0.5 else data[: rng.randrange(len(data) + 1)]
    elif kind == 8:
        pieces.insert(rng.randrange(len(pieces) + 1), b" " + rng.choice(_TOKENS).encode() + b" ")
    else:
        return of_bytes(rng, data)
    lines[nth] = b"".join(pieces)
    return b"\n".join(lines)


def npy(array: Any) -> bytes:
    """An array as the bytes of a file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def header(text: str, body: bytes, version: int = 1) -> bytes:
    """A file of an array with any text as its header."""
    padded = text.encode() + b" " * (63 - (10 + len(text.encode())) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(padded) & 0xFFFF)
    return b"\x93NUMPY" + bytes([version, 0]) + size + padded + body


_TYPES = ("<f4", "<f2", "<f8", ">f8", "<i8", ">i8", "u8", "i1", "?", "c16", "U3", "S2", "M8[s]")
_TYPES += ("m8[s]", "O", "V8", "i4,f4")


def of_array(rng: Random, data: bytes) -> bytes:
    """One change to the file of an array: to an element, the type, the shape, or the header."""
    try:
        array = np.array(np.load(io.BytesIO(data), allow_pickle=False))
    except Exception:  # already damaged
        return of_bytes(rng, data)
    kind = rng.randrange(8)
    if kind < 3 and array.size and array.dtype.kind in "iuf":
        at = rng.randrange(array.size)
        near = (int(array.max()) + 1, int(array.min()) - 1) if np.isfinite(array).all() else (0,)
        with np.errstate(all="ignore"):
            new = rng.choice((*near, *INTEGERS, *(FLOATS if array.dtype.kind == "f" else ())))
            try:
                array.flat[at] = new
            except (OverflowError, ValueError):  # does not fit, or the array is empty
                array.flat[at] = 0
        return npy(array)
    if kind == 3:
        try:
            with np.errstate(all="ignore"):
                return npy(array.astype(rng.choice(_TYPES)))
        except Exception:  # NumPy fails in many ways to convert one type to another
            return of_bytes(rng, data)
    if kind == 4:
        flat = array.reshape(-1)
        shapes = (array[..., None], flat, flat[:-1], array.T, flat[:0], array[None])
        return npy(rng.choice(shapes))
    if kind == 5:
        shape = list(array.shape) or [1]
        shape[rng.randrange(len(shape))] = rng.choice(INTEGERS)
        text = {"descr": array.dtype.str, "fortran_order": False, "shape": tuple(shape)}
        return header(str(text), array.tobytes(), rng.choice((1, 1, 2, 3)))
    if kind == 6:
        deep = "(" * 200 + ")" * 200
        texts = ("", "{", "[]", "{'descr': '<f8'}", f"{{'descr': {deep}, 'shape': ()}}", deep)
        return header(rng.choice(texts), array.tobytes())
    return of_bytes(rng, data)


def unzip(data: bytes) -> dict[str, bytes] | None:
    """The members of an archive; None if it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return None


def rezip(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of members in this order, of which several may have one name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, blob in members:
            if name in archive.NameToInfo:
                del archive.NameToInfo[name]  # else it warns
            archive.writestr(zipfile.ZipInfo(name), blob, compress_type=method)
    return buffer.getvalue()


def of_members(rng: Random, members: dict[str, bytes], fill: bytes) -> bytes:
    """An archive with one change: a member gone, renamed, twice, added, or damaged on the way."""
    pairs = list(members.items())
    nth = rng.randrange(len(pairs)) if pairs else 0
    kind = rng.randrange(8) if pairs else 3
    method = zipfile.ZIP_DEFLATED
    if kind == 0:
        del pairs[nth]
    elif kind == 1:
        names = ("x.npy", "y.npy", "lengths.npy", "x", "manifest.json", "a", "../x.npy", "\u00e9")
        pairs[nth] = (rng.choice(names), pairs[nth][1])
    elif kind == 2:
        pairs.append(rng.choice(pairs))
    elif kind == 3:
        pairs.append((rng.choice(("a.npy", "y.npy", "b")), rng.choice((fill, b"", b"hello"))))
    elif kind == 4:
        method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    out = bytearray(rezip(pairs, method))
    if kind >= 5:
        _damage_directory(rng, out)
    return bytes(out)


def _damage_directory(rng: Random, out: bytearray) -> None:
    """Flags, method or sizes of a member, in the directory and often at the member too."""
    entries = [found.start() for found in re.finditer(b"PK\x01\x02", out)]
    if not entries:
        return
    at = rng.choice(entries)
    local = struct.unpack_from("<I", out, at + 42)[0]
    both = rng.random() < 0.7
    kind = rng.randrange(4)
    if kind == 0:  # encrypted
        out[at + 8] |= 1
        if both:
            out[local + 6] |= 1
    elif kind == 1:  # compression method
        out[at + 10] = method = rng.choice((0, 1, 6, 8, 9, 12, 14, 93, 99))
        if both:
            out[local + 8] = method
    else:  # inflated size
        size = (rng.choice(INTEGERS) & 0xFFFFFFFF).to_bytes(4, "little")
        out[at + 24 : at + 28] = size
        if both:
            out[local + 22 : local + 26] = size
