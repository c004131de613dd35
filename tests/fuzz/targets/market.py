"""Matrix Market files, against a plain parser that takes the format's description word by word."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from elsie.bench.eie.matrices import read_matrix
from tests.fuzz import mutate
from tests.fuzz.target import Target

_DIGITS = set("0123456789")


@cache
def seeds() -> tuple[bytes, ...]:
    head = b"%%MatrixMarket matrix "
    return (
        head + b"coordinate real general\n% a comment\n3 4 5\n1 1 0.5\n2 3 -1e-2\n3 4 7\n1 4 2.5E+1"
        b"\n2 1 .5\n",
        head + b"coordinate pattern general\n3 2 3\n1 1\n3 2\n2 1\n",
        head + b"coordinate integer symmetric\n3 3 4\n1 1 3\n2 1 -4\n3 1 5\n3 3 1\n",
        head + b"coordinate real skew-symmetric\n3 3 2\n2 1 0.25\n3 2 -8.\n",
        head + b"array real general\n2 3\n1.5\n0\n-2\n3\n0\n1e2\n",
        head + b"array integer symmetric\n2 2\n1\n2\n3\n",
        head + b"array real skew-symmetric\n3 3\n1\n2\n3\n",
    )


def plain(text: str) -> dict[tuple[int, int], float]:
    """Elements by row and column from 0; ValueError for anything that is not as it must be."""
    lines = text.split("\n")
    words = lines[0].lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"]:
        raise ValueError("banner")
    layout, field, symmetry = words[2:]
    numbers = layout in ("coordinate", "array") and field in ("real", "double", "integer")
    if not numbers and (layout, field) != ("coordinate", "pattern"):
        raise ValueError("layout and field")
    sign = {"general": 0, "symmetric": 1, "skew-symmetric": -1}[symmetry]
    rest = [line.split() for line in lines[1:] if line.strip() and line[0] != "%"]
    size = [_natural(word) for word in rest[0]]
    found: dict[tuple[int, int], float] = {}
    if layout == "coordinate":
        rows, columns, count = size
        if len(rest) != count + 1:
            raise ValueError("count")
        for row, column, *values in rest[1:]:
            if len(values) != (field != "pattern"):
                raise ValueError("values")
            number = _number(values[0], field) if values else 1.0
            _put(found, (_natural(row), _natural(column)), number, (rows, columns), sign)
    else:
        rows, columns = size
        if rows * columns > 10_000:
            raise ValueError("too many for a file of this size")
        places = [(row, column) for column in range(1, columns + 1) for row in range(1, rows + 1)]
        places = [(r, c) for r, c in places if not sign or r > c or (sign > 0 and r == c)]
        if len(places) != len(rest) - 1:
            raise ValueError("count")
        for place, (value,) in zip(places, rest[1:], strict=True):
            _put(found, place, _number(value, field), (rows, columns), sign)
    if sign and rows != columns:
        raise ValueError("not square")
    return found


def _put(
    found: dict[tuple[int, int], float],
    place: tuple[int, int],
    value: float,
    size: tuple[int, int],
    sign: int,
) -> None:
    row, column = place
    inside = 1 <= row <= size[0] and 1 <= column <= size[1]
    if not inside or (sign and row < column) or (sign < 0 and row == column):
        raise ValueError("place")
    if (row - 1, column - 1) in found:
        raise ValueError("twice")
    found[row - 1, column - 1] = value
    if sign and row != column:
        found[column - 1, row - 1] = sign * value


def _natural(word: str) -> int:
    if not word or not set(word) <= _DIGITS:
        raise ValueError(word)
    return int(word)


def _number(word: str, field: str) -> float:
    body = word[1:] if word[:1] in ("+", "-") else word
    if field == "integer":
        return (-1 if word[0] == "-" else 1) * float(_natural(body))
    if not set(body) <= _DIGITS | set(".eE+-"):
        raise ValueError(word)
    return float(word)


def _verify(found: tuple[Any, bool], path: Path) -> None:
    """The elements are those of the plain parser, but for zeros."""
    matrix, valued = found
    expected = plain(path.read_bytes().decode("latin-1"))
    got = matrix.tocoo()
    assert valued == (b"pattern" not in path.read_bytes().split(b"\n")[0].lower())
    elements = {
        (row, column): value
        for row, column, value in zip(
            got.row.tolist(), got.col.tolist(), got.data.tolist(), strict=True
        )
    }
    assert elements == {place: value for place, value in expected.items() if value}
    assert np.isfinite(got.data).all()


MARKET = Target(
    suffix=".mtx", seeds=seeds, mutate=mutate.of_text, read=read_matrix, verify=_verify, long=5000
)
