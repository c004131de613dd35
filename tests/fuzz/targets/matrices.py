"""Sparse matrices of SciPy's and of the .smtx format."""

import io
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from elsie.bench.eie.matrices import read_matrix
from tests.fuzz import mutate
from tests.fuzz.target import Target
from tests.fuzz.targets.data import change


@cache
def _sparse() -> tuple[bytes, ...]:
    dense = np.array([[0, 1.5, 0, -2], [0, 0, 0, 0], [3, 0, 4, 0.25]])
    found = []
    for kind in ("csr", "csc", "coo"):
        buffer = io.BytesIO()
        sparse.save_npz(buffer, sparse.coo_matrix(dense).asformat(kind))
        found.append(buffer.getvalue())
    return tuple(found)


def _verify_sparse(found: tuple[Any, bool], path: Path) -> None:
    """As SciPy reads it; that is done only here, as it trusts what the file says."""
    matrix, valued = found
    with path.open("rb") as file:
        expected = sparse.coo_matrix(sparse.load_npz(file)).toarray().astype(np.float64)
    assert valued
    assert np.array_equal(matrix.toarray(), expected)


@cache
def _patterns() -> tuple[bytes, ...]:
    return b"3, 4, 4\n0 2 2 4\n1 3 0 2\n", b"1 2 1\n0,1\n0", b"2, 2, 2\n0 1 2\n1 0\n\n"


def _verify_pattern(found: tuple[Any, bool], path: Path) -> None:
    """Written again, the numbers are those of the file."""
    matrix, valued = found
    rows: Any = sparse.csr_matrix(matrix)
    rows.sort_indices()
    words = [*rows.shape, rows.nnz, *rows.indptr.tolist()]
    numbers = [int(word) for word in path.read_text().replace(",", " ").split()]
    count = len(words)
    assert not valued
    assert words == numbers[:count]
    starts = rows.indptr.tolist()
    for first, last in pairwise(starts):
        line = numbers[count + first : count + last]
        assert sorted(line) == rows.indices[first:last].tolist()
    assert len(numbers) == count + rows.nnz


SMTX = Target(
    suffix=".smtx",
    seeds=_patterns,
    mutate=mutate.of_text,
    read=read_matrix,
    verify=_verify_pattern,
    suite=200,
    long=2000,
)
SPARSE = Target(
    suffix=".npz",
    seeds=_sparse,
    mutate=change,
    read=read_matrix,
    verify=_verify_sparse,
    suite=150,
    long=2000,
)
