"""Matrix files and activation files of the user, checked while they are read."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import io, sparse

from golden.errors import ElsieError

_MARKET = (".mtx", ".mtx.gz")
_ODD = (
    *(ValueError, TypeError, KeyError, IndexError, OverflowError),
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and SciPy raise for malformed files."""


def read_matrix(path: Path) -> tuple[Any, bool]:
    """The matrix as scipy's CSC, rows ascending, no zeros stored; and whether it has values."""
    valued = True
    if path.name.endswith(_MARKET):
        coo, valued = _market(path)
    elif path.suffix == ".smtx":
        coo, valued = _smtx(path), False
    elif path.suffix == ".npz":
        coo = _parsed(path, lambda: sparse.coo_matrix(sparse.load_npz(path)))
    else:
        raise ElsieError(f"{path}: not a matrix file; give one that ends in .mtx, .smtx or .npz")
    rows, columns = np.shape(coo)
    if min(rows, columns) < 1 or coo.nnz < 1:
        raise ElsieError(f"{path}: the matrix is empty; it needs at least one non-zero")
    if max(rows, columns) > 1 << 20:
        raise ElsieError(f"{path}: {rows} x {columns} is larger than any engine can be")
    if np.iscomplexobj(coo.data):
        raise ElsieError(f"{path}: its values are complex; weights must be real numbers")
    place = coo.row.astype(np.int64) * columns + coo.col
    if coo.row.min() < 0 or coo.row.max() >= rows or coo.col.min() < 0 or coo.col.max() >= columns:
        raise ElsieError(f"{path}: an element lies outside the matrix; the file is malformed")
    if len(np.unique(place)) < len(place):
        raise ElsieError(f"{path}: an element is given twice; the file is malformed")
    data = coo.data.astype(np.float64)
    _finite(path, data)
    matrix = sparse.csc_matrix((data, (coo.row, coo.col)), shape=(rows, columns))
    matrix.eliminate_zeros()
    matrix.sort_indices()
    if matrix.nnz < 1:
        raise ElsieError(f"{path}: all its values are 0; it needs at least one non-zero")
    return matrix, valued


def _market(path: Path) -> tuple[Any, bool]:
    """A Matrix Market file as COO, and whether it has values."""
    field = _parsed(path, lambda: io.mminfo(path))[4]
    return _parsed(path, lambda: sparse.coo_matrix(io.mmread(path))), field != "pattern"


def _smtx(path: Path) -> Any:
    """A pattern: a line "rows, columns, non-zeros", the row starts, the column indices."""
    lines = _parsed(path, lambda: path.read_text().replace(",", " ").splitlines())
    numbers = _parsed(path, lambda: [np.array(line.split(), dtype=np.int64) for line in lines[:3]])
    numbers += [np.zeros(0, dtype=np.int64)] * (3 - len(numbers))
    size, starts, columns = numbers
    good = (
        len(size) == 3
        and size.min() >= 0
        and len(starts) == size[0] + 1
        and len(columns) == size[2]
        and starts[0] == 0
        and starts[-1] == size[2]
        and (np.diff(starts) >= 0).all()
    )
    if not good:
        raise ElsieError(
            f"{path}: not a .smtx file; it needs three lines: rows, columns and non-zeros; the "
            f"row starts; the column of each non-zero"
        )
    row = np.repeat(np.arange(size[0]), np.diff(starts))
    shape = (int(size[0]), int(size[1]))
    if len(columns) and (columns.min() < 0 or columns.max() >= shape[1]):
        raise ElsieError(f"{path}: an element lies outside the matrix; the file is malformed")
    return sparse.coo_matrix((np.ones(len(row)), (row, columns)), shape=shape)


def read_activations(path: Path) -> NDArray[np.float64]:
    """Real activations, shape (samples, n_in), at least one sample."""
    if path.name.endswith(_MARKET):
        values = _parsed(path, lambda: _dense(io.mmread(path)))
    elif path.suffix == ".npy":
        values = _parsed(path, lambda: np.load(path, allow_pickle=False))
    elif path.suffix == ".npz":
        values = _parsed(path, lambda: _archived(path))
    else:
        raise ElsieError(f"{path}: not an activation file; give a .npy, .npz or .mtx")
    if values.dtype.kind not in "fiub":
        raise ElsieError(f"{path}: its values are not real numbers")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    values = np.atleast_2d(values).astype(np.float64)
    if values.ndim != 2 or not values.size:
        raise ElsieError(f"{path}: give one vector, or a table of (samples, columns)")
    _finite(path, values)
    return values


def _archived(path: Path) -> NDArray[Any]:
    """Array x of a .npz, or its only one."""
    with np.load(path, allow_pickle=False) as archive:
        names = list(archive)
        if "x" not in names and len(names) != 1:
            raise ElsieError(f"{path}: it has arrays {', '.join(names)}; call the activations x")
        return archive["x" if "x" in names else names[0]]


def _dense(values: Any) -> NDArray[Any]:
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


def _finite(path: Path, values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        raise ElsieError(f"{path}: it has values that are NaN or infinite; remove them first")


def _parsed(path: Path, read: Any) -> Any:
    """What `read` returns; its complaints about the file in one sentence."""
    if not path.is_file():
        raise ElsieError(f"{path}: no such file")
    try:
        return read()
    except _ODD as error:
        first = str(error).strip().splitlines()[:1]
        raise ElsieError(f"{path}: cannot be read ({' '.join(first) or 'malformed'})") from None
