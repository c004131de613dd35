"""NumPy's files, .npy and .npz, without pickle, and with every size checked before it is used."""

import io
import math
import os
import stat
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from golden.coding.container import MAGIC
from golden.errors import ElsieError
from golden.reading import check_memory

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""By version of the format; version 3 is only for names of fields."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def load(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a .npz file by name, or {"x": the array} of a .npy; they cannot be written to.

    To be called inside golden.reading.reading: raises ElsieError, or anything else if it is
    damaged.
    """
    with path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ElsieError("it is not a regular file")
        begins = file.read(len(npy.MAGIC_PREFIX))
        file.seek(0)
        if begins == npy.MAGIC_PREFIX:
            return {"x": parse("x", file.read())}
        blobs = {} if begins == MAGIC else members(file)
    if begins == MAGIC or "manifest.json" in blobs:
        raise ElsieError("this is a NET file, not data; give a .npz file of inputs")
    found: dict[str, NDArray[Any]] = {}
    for name, blob in blobs.items():
        short = name.removesuffix(".npy")
        if short in found:
            raise ElsieError(f"two arrays are called {short!r}")
        found[short] = parse(short, blob)
    return found


def members(file: BinaryIO) -> dict[str, bytes]:
    """Contents of a ZIP file's members by name, not more than the file's size can be trusted for.

    Raises ElsieError, or what zipfile raises for damage.
    """
    size = os.fstat(file.fileno()).st_size
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        check_memory(sum(entry.file_size for entry in entries), size, "its contents")
        for entry in entries:
            name = entry.filename
            if name in found:
                raise ElsieError(f"two members are called {name!r}")
            if entry.flag_bits & 1:
                raise ElsieError(f"member {name!r} is encrypted; save it without a password")
            if entry.compress_type not in _METHODS:
                raise ElsieError(
                    f"member {name!r} is compressed by a method that is not read; store or deflate "
                    f"it, as NumPy does"
                )
            with archive.open(entry) as member:
                # Not read(): that inflates whatever there is, whatever the header says.
                found[name] = member.read(entry.file_size)
            if len(found[name]) != entry.file_size:
                raise ElsieError(f"member {name!r} is shorter than the file says; it is damaged")
    return found


def parse(name: str, blob: bytes) -> NDArray[Any]:
    """The array `name` in the bytes of a .npy file, which cannot be written to.

    Raises ElsieError for whatever is not the numbers or text that the header says.
    """
    if not blob.startswith(npy.MAGIC_PREFIX):
        raise ElsieError(f"member {name!r} is not an array")
    stream = io.BytesIO(blob)
    version = npy.read_magic(stream)
    if version not in _HEADERS:
        raise ElsieError(f"array {name!r} has version {version} of the format, not 1.0 or 2.0")
    try:
        shape, by_column, dtype = _HEADERS[version](stream)
    except Exception:  # Python's parser fails in many ways, with MemoryError for deep nesting
        raise ElsieError(f"array {name!r} has a header that cannot be read") from None
    if dtype.hasobject:
        raise ElsieError(f"array {name!r} holds Python objects; save plain numbers")
    start, wanted = stream.tell(), math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or wanted != len(blob) - start:
        raise ElsieError(
            f"array {name!r} is {dtype} of shape {shape}, which takes {wanted} bytes, but it has "
            f"{len(blob) - start}"
        )
    flat = np.frombuffer(blob[start:], dtype) if wanted else np.zeros(math.prod(shape), dtype)
    return flat.reshape(shape, order="F" if by_column else "C")
