"""Matrix files and activation files of the user, checked while they are read."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elsie.bench.eie.market import read_market
from golden.arrays import load as load_arrays
from golden.errors import ElsieError
from golden.reading import check_memory, reading

_MARKET = (".mtx", ".mtx.gz")


def read_matrix(path: Path) -> tuple[Any, bool]:
    """The matrix as scipy's CSC, rows ascending, no zeros stored; and whether it has values."""
    with reading(path, "a matrix", "write the file again"):
        return _matrix(path)


def _matrix(path: Path) -> tuple[Any, bool]:
    coo: Any
    valued = True
    if path.name.endswith(_MARKET):
        coo, valued = read_market(path)
    elif path.suffix == ".smtx":
        coo, valued = _smtx(path), False
    elif path.suffix == ".npz":
        coo = _compressed(load_arrays(path))
    else:
        raise ElsieError("not a matrix file; give one that ends in .mtx, .smtx or .npz")
    rows, columns = np.shape(coo)
    if min(rows, columns) < 1 or coo.nnz < 1:
        raise ElsieError("the matrix is empty; it needs at least one non-zero")
    if max(rows, columns) > 1 << 20:
        raise ElsieError(f"{rows} x {columns} is larger than any engine can be")
    place = coo.row.astype(np.int64) * columns + coo.col
    if len(np.unique(place)) < len(place):
        raise ElsieError("an element is given twice; the file is malformed")
    data = coo.data.astype(np.float64)
    _finite(data)
    matrix = sparse.csc_matrix((data, (coo.row, coo.col)), shape=(rows, columns))
    matrix.eliminate_zeros()
    matrix.sort_indices()
    if matrix.nnz < 1:
        raise ElsieError("all its values are 0; it needs at least one non-zero")
    return matrix, valued


def _compressed(arrays: dict[str, NDArray[Any]]) -> Any:
    """A matrix as scipy.sparse.save_npz writes it; checked, as scipy's own code trusts the file."""
    kind = arrays["format"].item()
    kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else kind
    if kind not in ("coo", "csc", "csr"):
        raise ElsieError(f"its sparse format is {kind!r}; save it as csr: matrix.tocsr()")
    shape, data = arrays["shape"], arrays["data"]
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or data.ndim != 1:
        raise ElsieError("its shape must be two integers, and its data one list")
    if data.dtype.kind == "c":
        raise ElsieError("its values are complex; weights must be real numbers")
    if data.dtype.kind not in "iufb":
        raise ElsieError(f"its values are {data.dtype}; weights must be real numbers")
    rows, columns = map(int, shape)
    if kind == "coo":
        return _coo(data, arrays["row"], arrays["col"], (rows, columns))
    along, across = (rows, columns) if kind == "csr" else (columns, rows)
    starts, indices = arrays["indptr"], arrays["indices"]
    if starts.dtype.kind not in "iu" or not _are_starts(starts, along, len(data)):
        raise ElsieError("its indptr does not fit its shape and data; the file is malformed")
    lines = np.repeat(np.arange(along), np.diff(starts.astype(np.int64)))
    flat = _coo(data, lines, indices, (along, across))
    return flat if kind == "csr" else flat.T


def _coo(data: Any, row: Any, column: Any, shape: tuple[int, int]) -> Any:
    """Elements at rows and columns, which must be within the shape."""
    for places, size in ((row, shape[0]), (column, shape[1])):
        if places.shape != data.shape or places.dtype.kind not in "iu":
            raise ElsieError("its rows and columns must be integers, one for each value")
        if len(places) and not 0 <= int(places.min()) <= int(places.max()) < size:
            raise ElsieError("an element lies outside the matrix; the file is malformed")
    return sparse.coo_matrix((data, (row, column)), shape=shape)


def _are_starts(starts: NDArray[Any], lines: int, count: int) -> bool:
    """Whether these are where each of some lines of a matrix starts, and where the last ends."""
    return (
        starts.shape == (lines + 1,)
        and starts[0] == 0
        and starts[-1] == count
        and bool((starts[1:] >= starts[:-1]).all())
    )


def _smtx(path: Path) -> Any:
    """A pattern: a line "rows, columns, non-zeros", the row starts, the column indices."""
    text = path.read_bytes()
    if text.translate(None, b"0123456789, \t\r\n"):
        raise ElsieError("it has something other than whole numbers, blanks and commas")
    lines = [line.split() for line in text.replace(b",", b" ").splitlines()]
    size, starts, columns = ([int(one) for one in line] for line in (*lines, [], [], [])[:3])
    indptr = np.array(starts)
    good = len(size) == 3 and not any(lines[3:]) and len(columns) == size[2]
    if not good or not _are_starts(indptr, size[0], size[2]):
        raise ElsieError(
            "not a .smtx file; it needs three lines: rows, columns and non-zeros; the row starts; "
            "the column of each non-zero"
        )
    row = np.repeat(np.arange(size[0]), np.diff(indptr))
    return _coo(np.ones(size[2]), row, np.array(columns, dtype=np.int64), (size[0], size[1]))


def read_activations(path: Path) -> NDArray[np.float64]:
    """Real activations, shape (samples, n_in), at least one sample."""
    with reading(path, "activations", "save them with numpy.save"):
        return _activations(path)


def _activations(path: Path) -> NDArray[np.float64]:
    if path.name.endswith(_MARKET):
        matrix = read_market(path)[0]
        check_memory(8 * math.prod(matrix.shape), path.stat().st_size, "its activations")
        values: NDArray[Any] = matrix.toarray()
    elif path.suffix in (".npy", ".npz"):
        arrays = load_arrays(path)
        if "x" not in arrays and len(arrays) != 1:
            raise ElsieError(f"it has arrays {', '.join(arrays)}; call the activations x")
        values = arrays["x"] if "x" in arrays else next(iter(arrays.values()))
    else:
        raise ElsieError("not an activation file; give a .npy, .npz or .mtx")
    if values.dtype.kind not in "fiub":
        raise ElsieError("its values are not real numbers")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    values = np.atleast_2d(values).astype(np.float64)
    if values.ndim != 2 or not values.size:
        raise ElsieError("give one vector, or a table of (samples, columns)")
    _finite(values)
    return values


def _finite(values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        raise ElsieError("it has values that are NaN or infinite; remove them first")
