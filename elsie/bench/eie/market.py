"""Matrix Market files, read strictly: what is not exactly as the format says is refused.

The format: Boisvert, Pozo, Remington, The Matrix Market exchange formats, NISTIR 5935, 1996.
SciPy's reader takes `1,7` for 1 and can crash Python on a number that is cut short.
"""

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from golden.errors import ElsieError
from golden.reading import check_memory

_REAL = rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[nN][aA][nN]|[iI][nN][fF])"
_FIELDS = {
    "real": _REAL,
    "double": _REAL,
    "integer": rb"[+-]?\d+",
    "pattern": None,
}
"""What values look like, None without any."""
_WHOLE = rb"\d{1,18}"
_SYMMETRIES = {"general": 0, "symmetric": 1, "skew-symmetric": -1}
"""Times its value, an element is also on the other side of the diagonal."""
_LONGEST = 40
"""Characters of a number; longer ones take a time that grows with the square."""


def read_market(path: Path) -> tuple[Any, bool]:
    """The matrix, and whether it has values; without, all are 1. Elements may be given twice.

    To be called inside golden.reading.reading: raises ElsieError, or gzip's errors.
    """
    lines = _content(path).split(b"\n")
    layout, field, symmetry = _banner(lines[0])
    body = [line for line in lines[1:] if line.strip() and not line.startswith(b"%")]
    rows, columns, *more = _numbers(body[:1], [_WHOLE] * (3 if layout == "coordinate" else 2))
    size = (int(rows[0]), int(columns[0]))
    if symmetry and size[0] != size[1]:
        raise ElsieError(f"it is {size[0]} x {size[1]}, but only square matrices are symmetric")
    if layout == "coordinate":
        row, column, value = _coordinates(body[1:], size, field, count=int(more[0][0]))
    else:
        row, column, value = _array(body[1:], size, field, symmetry)
    if symmetry < 0 and (row == column).any():
        raise ElsieError("a skew-symmetric matrix has no elements on its diagonal")
    if symmetry:
        if (row < column).any():
            raise ElsieError("a symmetric matrix gives only elements below or on its diagonal")
        off = row != column
        value = np.concatenate((value, symmetry * value[off]))
        row, column = np.concatenate((row, column[off])), np.concatenate((column, row[off]))
    return sparse.coo_matrix((value, (row, column)), shape=size), field != "pattern"


def _content(path: Path) -> bytes:
    """All bytes of a file, inflated if it is a .gz."""
    if path.suffix != ".gz":
        return path.read_bytes()
    size = path.stat().st_size
    blocks, total = [], 0
    with gzip.open(path) as file:
        while block := file.read(1 << 20):
            blocks.append(block)
            total += len(block)
            check_memory(total, size, "its contents")
    return b"".join(blocks)


def _banner(line: bytes) -> tuple[str, str, int]:
    """Layout, field and symmetry from the first line."""
    words = line.decode("ascii", "replace").lower().split()
    if words[:2] != ["%%matrixmarket", "matrix"] or len(words) != 5:
        raise ElsieError("it does not begin with '%%MatrixMarket matrix', a format and two words")
    layout, field, symmetry = words[2:]
    if layout not in ("coordinate", "array"):
        raise ElsieError(f"its format is {layout!r}, not coordinate or array")
    if field == "complex":
        raise ElsieError("its values are complex; weights must be real numbers")
    if field not in _FIELDS or (field == "pattern" and layout == "array"):
        raise ElsieError(f"its values are {field!r}, not one of {', '.join(_FIELDS)}")
    if symmetry not in _SYMMETRIES:
        raise ElsieError(f"its symmetry is {symmetry!r}, not one of {', '.join(_SYMMETRIES)}")
    return layout, field, _SYMMETRIES[symmetry]


def _coordinates(
    lines: list[bytes], size: tuple[int, int], field: str, *, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Row, column and value of each element."""
    if len(lines) != count:
        raise ElsieError(f"it says that it has {count} elements, but has {len(lines)}")
    form = _FIELDS[field]
    row, column, *rest = _numbers(lines, [_WHOLE, _WHOLE, *([form] if form else [])])
    row, column = (np.array([int(one) for one in part], dtype=np.int64) for part in (row, column))
    if count and (
        row.min() < 1 or row.max() > size[0] or column.min() < 1 or column.max() > size[1]
    ):
        raise ElsieError(f"an element lies outside its {size[0]} x {size[1]}")
    value = np.array([float(one) for one in rest[0]]) if rest else np.ones(count)
    return row - 1, column - 1, value


def _array(
    lines: list[bytes], size: tuple[int, int], field: str, symmetry: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The same of a file with all elements, or all below the diagonal, column by column."""
    n = size[0]
    count = {0: n * size[1], 1: n * (n + 1) // 2, -1: n * (n - 1) // 2}[symmetry]
    if len(lines) != count:
        raise ElsieError(f"it must have {count} elements, but has {len(lines)}")
    value = np.array([float(one) for one in _numbers(lines, [_FIELDS[field] or _WHOLE])[0]])
    if symmetry:
        column, row = np.triu_indices(n, 0 if symmetry > 0 else 1)
    else:
        column, row = np.divmod(np.arange(count), n) if count else (np.zeros(0, int),) * 2
    return row, column, value


def _numbers(lines: list[bytes], forms: list[bytes]) -> list[list[bytes]]:
    """Columns of the table in `lines`, each number exactly of its form."""
    line_of = re.compile(rb"[ \t]*" + rb"[ \t]+".join(b"(%b)" % form for form in forms) + rb"\s*")
    found: list[tuple[bytes, ...]] = []
    for line in lines:
        match = line_of.fullmatch(line)
        if match is None or max(map(len, match.groups())) > _LONGEST:
            shown = line.decode("ascii", "replace").strip()[:60]
            number = "number" if len(forms) == 1 else "numbers"
            raise ElsieError(f"the line {shown!r} is not {len(forms)} {number} as its format asks")
        found.append(match.groups())
    return [list(column) for column in zip(*found, strict=True)] or [[] for _ in forms]
