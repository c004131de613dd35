"""Matrix Market files: as SciPy reads what SciPy writes, and refused where SciPy guesses."""

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import io, sparse

from elsie.bench.eie.matrices import read_activations, read_matrix
from golden.errors import ElsieError
from tests.fuzz.targets.market import plain

HEAD = "%%MatrixMarket matrix coordinate real general\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("2 2 1\n1 1 3.0D-01\n", "the line '1 1 3.0D-01' is not 3 numbers as its format asks"),
        ("2 2 1\n1 1 1,7\n", "the line '1 1 1,7' is not"),
        ("2 2 1\n1 1 1e-", "the line '1 1 1e-' is not"),
        ("2 2 1\n1 1 1_0\n", "is not 3 numbers"),
        ("2 2 1\n1 1 0x1\n", "is not 3 numbers"),
        ("2 2 1\n+1 1 2\n", "is not 3 numbers"),
        ("2 2 1\n1 1 2 3\n", "is not 3 numbers"),
        ("2 2 1\n1 1\n", "is not 3 numbers"),
        ("2 2 1\n1 1 1" + "0" * 500 + "\n", "is not 3 numbers"),
        ("2 2 1000000000000\n1 1 1\n", "says that it has 1000000000000 elements, but has 1"),
        ("2 2 1\n0 1 1\n", "an element lies outside its 2 x 2"),
        ("2 2 1\n99999999999999999999 1 1\n", "1 1' is not 3 numbers"),
        ("2 2\n", "the line '2 2' is not 3 numbers"),
        ("", "not a matrix, or damaged"),
        ("2 2 1\n1 1 1e999\n", "NaN or infinite"),
    ],
)
def test_refused(body: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text(HEAD + body)
    with pytest.raises(ElsieError, match=re.escape(said)) as caught:
        read_matrix(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("%%MatrixMarket matrix coordinate complex general", "complex"),
        ("%%MatrixMarket matrix coordinate real hermitian", "its symmetry is 'hermitian'"),
        ("%%MatrixMarket matrix array pattern general", "its values are 'pattern'"),
        ("%%MatrixMarket matrix list real general", "its format is 'list'"),
        ("%%MatrixMarket vector coordinate real general", "does not begin with"),
        ("%%MatrixMarket matrix coordinate real symmetric", "gives only elements below or on"),
        ("%%MatrixMarket matrix coordinate real skew-symmetric", "has no elements on its diagonal"),
    ],
)
def test_banners_refused(head: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text(f"{head}\n2 2 2\n1 2 1\n2 2 1\n")
    with pytest.raises(ElsieError, match=said):
        read_matrix(path)


def test_a_last_line_without_its_end_is_read(tmp_path: Path) -> None:
    """SciPy's reader crashes Python on it."""
    (tmp_path / "m.mtx").write_text(HEAD + "2 2 2\r\n\r\n% note\r\n1 1 -.5\r\n2 2 0.25 ")
    assert read_matrix(tmp_path / "m.mtx")[0].toarray().tolist() == [[-0.5, 0], [0, 0.25]]


@pytest.mark.parametrize("symmetry", ["general", "symmetric", "skew-symmetric"])
@pytest.mark.parametrize("field", ["real", "integer", "pattern"])
@pytest.mark.parametrize("layout", ["coordinate", "array"])
def test_as_scipy_writes(layout: str, field: str, symmetry: str, tmp_path: Path) -> None:
    if (layout, field) == ("array", "pattern") or (field, symmetry) == (
        "pattern",
        "skew-symmetric",
    ):
        pytest.skip("there is no such file")
    rng = np.random.default_rng(4)
    dense = np.rint(rng.normal(0, 50, (9, 9))) * (rng.random((9, 9)) < 0.4)
    dense = dense if field == "integer" else dense / 7
    lower = np.tril(dense, -1)
    dense = {
        "general": dense,
        "symmetric": lower + lower.T + np.eye(9),
        "skew-symmetric": lower - lower.T,
    }[symmetry]
    dense = dense != 0 if field == "pattern" else dense
    given: Any = dense.astype("i8") if field == "integer" else dense
    given = sparse.coo_matrix(given) if layout == "coordinate" else given
    path = tmp_path / "m.mtx"
    io.mmwrite(path, given, field=field, symmetry=symmetry, comment="a\nb")
    matrix, valued = read_matrix(path)
    assert valued == (field != "pattern")
    assert np.array_equal(matrix.toarray(), dense.astype(float))
    elements = {(int(r), int(c)): float(dense[r, c]) for r, c in np.argwhere(dense)}
    assert {place: v for place, v in plain(path.read_text()).items() if v} == elements
    packed = tmp_path / "p.mtx.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert np.array_equal(read_matrix(packed)[0].toarray(), dense.astype(float))


def test_what_would_take_too_much_memory(tmp_path: Path) -> None:
    """Activations are a full table; and a .gz may inflate to anything."""
    (tmp_path / "x.mtx").write_text(HEAD + "1000000 1000000 1\n1 1 1\n")
    with pytest.raises(ElsieError, match="its activations would take 7629394 MiB"):
        read_activations(tmp_path / "x.mtx")
    part = gzip.compress(bytes(1 << 24), 1)  # parts one after the other are a file too
    (tmp_path / "x.mtx.gz").write_bytes(17 * part)
    with pytest.raises(ElsieError, match=r"its contents would take 25\d MiB"):
        read_matrix(tmp_path / "x.mtx.gz")


STARTS = np.array([0, 10**9, 2])


def test_sparse_archives_are_not_trusted(tmp_path: Path) -> None:
    """SciPy would write far outside its arrays for starts that go up and down."""
    good = {
        "data": np.ones(2),
        "indices": np.array([0, 1]),
        "indptr": np.array([0, 1, 2]),
        "shape": np.array([2, 2]),
        "format": np.array(b"csr"),
    }
    path = tmp_path / "m.npz"
    np.savez(path, **good)
    assert read_matrix(path)[0].toarray().tolist() == [[1, 0], [0, 1]]
    for name, value, said in (
        ("indptr", STARTS, "its indptr does not fit"),
        ("indices", np.array([0, 10**9]), "an element lies outside the matrix"),
        ("indices", np.array([0.0, 1.0]), "must be integers, one for each value"),
        ("shape", np.array([10**12, 2]), "its indptr does not fit"),
        ("shape", np.array([2, 2, 2]), "its shape must be two integers"),
        ("format", np.array(b"dia"), "its sparse format is 'dia'; save it as csr"),
        ("data", np.ones(2, dtype=complex), "complex"),
        ("data", np.array(["a", "b"]), "its values are <U1"),
    ):
        np.savez(path, **{**good, name: value})
        with pytest.raises(ElsieError, match=said):
            read_matrix(path)
