"""`elsie bench eie`: options, a layer of the user's, plots, and refusals in one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import io, sparse

from elsie.bench.eie import engine
from elsie.bench.fpga.configurations import find
from elsie.cli.main import main

ROWS, COLUMNS = 20, 30


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = main(["bench", "eie", *map(str, arguments)])
    except SystemExit as stop:  # argparse
        code = int(str(stop.code))
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert not out
    assert "Traceback" not in err
    lines = err.strip().splitlines()
    assert lines[-1].startswith("elsie")
    return lines[-1]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """One matrix in every format, and activations."""
    random = np.random.default_rng(3)
    dense = np.where(random.random((ROWS, COLUMNS)) < 0.3, random.normal(size=(ROWS, COLUMNS)), 0)
    matrix = sparse.csr_matrix(dense)
    x = np.maximum(random.normal(size=(3, COLUMNS)), 0)
    found = {name: tmp_path / name for name in ("m.mtx", "m.smtx", "m.npz", "x.npy", "x.npz")}
    io.mmwrite(found["m.mtx"], matrix)
    sparse.save_npz(found["m.npz"], matrix)
    found["m.smtx"].write_text(
        f"{ROWS}, {COLUMNS}, {matrix.nnz}\n"
        + " ".join(map(str, matrix.indptr))
        + "\n"
        + " ".join(map(str, matrix.indices))
        + "\n"
    )
    np.save(found["x.npy"], x)
    np.savez(found["x.npz"], x=x, y=np.zeros(3))
    found["x.mtx"] = tmp_path / "x.mtx"
    io.mmwrite(found["x.mtx"], x[:1].T)
    found["macs"] = Path(str(int((dense[:, x[0] > 0] != 0).sum())))
    return found


def rows_of(out: str) -> list[dict[str, Any]]:
    return json.loads(out)["rows"]


@pytest.mark.parametrize("matrix", ["m.mtx", "m.smtx", "m.npz"])
@pytest.mark.parametrize("activations", ["x.npy", "x.npz", "x.mtx"])
def test_a_layer_of_the_users(
    capsys: pytest.CaptureFixture[str], files: dict[str, Path], matrix: str, activations: str
) -> None:
    code, out, _ = run(
        capsys,
        *("--matrix", files[matrix], "--activations", files[activations]),
        *("--pes", 4, "--golden-only", "--json"),
    )
    assert code == 0
    (row,) = rows_of(out)
    assert row["layer"] == matrix
    assert row["useful_macs"] == int(str(files["macs"]))
    assert row["eie_paper_utilisation"] is None
    assert sum(row["losses"].values()) == 4 * row["cycles_golden"]


def test_json_has_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--layers", "nt-lstm,NT-We", "--golden-only", "--json")
    code, out, _ = run(capsys, *arguments, "--engine", "wide")
    assert code == 0
    values = json.loads(out)
    first, second = values["rows"]
    assert [first["layer"], second["layer"]] == ["NT-LSTM", "NT-We"]
    assert first["pes"] == 64
    assert first["queue"] == 29
    assert first["cycles_rtl"] is first["trace_equal"] is None
    assert first["eie_paper_cycles"] == 6000
    assert [engine["queue_depth"] for engine in values["engines"]] == [32]


def test_an_engine_as_it_was_routed(capsys: pytest.CaptureFixture[str]) -> None:
    """Its groups, queues and stages, but memories that are large enough."""
    arguments = ("--layers", "NT-LSTM", "--golden-only", "--json")
    name = "ecp5-85f-64-codebook"
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    routed = find(name).engine
    (used,) = json.loads(out)["engines"]
    memories = {"entry_depth", "column_depth", "row_depth", "act_depth", "bias_depth"}
    widths = {"run_width", "acc_width", "layers"}
    assert {n for n, value in used.items() if value != routed.to_dict()[n]} == memories | widths
    (row,) = rows_of(out)
    assert (row["pes"], row["group"], row["queue_depth"]) == (64, 8, 16)
    _, out, _ = run(capsys, *arguments, "--engine", name, "--pes", 8, "--group", 2, "--queue", 3)
    (row,) = rows_of(out)
    assert (row["pes"], row["group"], row["queue"]) == (8, 2, 3)
    _, out, _ = run(capsys, *arguments, "--group", 64)
    assert rows_of(out)[0]["group"] == 64
    assert "no configuration 'ecp5'" in refused(capsys, "--engine", "ecp5")
    assert "leave out --engine" in refused(capsys, "--engine", name, "--scheme", "eie")


def test_curves_over_queues_and_pes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("--layers", "NT-We", "--queue", "1..5", "--pes", "32,64", "--json")
    code, out, _ = run(capsys, *arguments, "--plot", tmp_path / "plots")
    assert code == 0
    assert [(row["pes"], row["queue"]) for row in rows_of(out)] == [
        (pes, queue) for pes in (32, 64) for queue in (1, 2, 4, 5)
    ]
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == ["eie-elsie-pes.svg", "eie-elsie-queue.svg"]
    first = (tmp_path / "plots" / drawn[0]).read_bytes()
    run(capsys, *arguments, "--plot", tmp_path / "plots")
    assert (tmp_path / "plots" / drawn[0]).read_bytes() == first


def test_steps_in_a_range(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--layers", "NT-LSTM", "--scheme", "eie", "--json")
    _, out, _ = run(capsys, *arguments, "--queue", "2..8/3,1")
    assert [row["queue"] for row in rows_of(out)] == [2, 5, 8, 1]


def test_tables_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--layers", "NT-LSTM", "--golden-only")
    assert code == 0
    assert "0.751" in out  # the paper's
    assert "imbalance" in out
    code, out, _ = run(capsys, "--layers", "NT-LSTM", "--scheme", "eie")
    assert code == 0
    assert "empty column" in out


def test_plots_without_matplotlib(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    said = refused(capsys, "--layers", "NT-LSTM", "--queue", "1,2", "--plot", tmp_path / "p")
    assert "pip install elsie-fpga[plots]" in said
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("scheme", ["elsie", "eie"])
def test_layers_beside_each_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, scheme: str
) -> None:
    code, out, _ = run(
        *(capsys, "--layers", "NT-LSTM,NT-We", "--golden-only", "--scheme", scheme, "--json"),
        *("--plot", tmp_path),
    )
    assert code == 0
    files = json.loads(out)["plots"]
    assert [Path(file).name for file in files] == [
        f"eie-{scheme}-layers.svg",
        f"eie-{scheme}-losses.svg",
    ]
    layers, losses = (Path(file).read_text() for file in files)
    assert "EIE, published" in layers
    assert ("Elsie" in layers) == (scheme == "elsie")
    assert ("empty column" in losses) == (scheme == "eie")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--layers", "Alex-9"), "no layer 'Alex-9'"),
        (("--matrix", "m.mtx"), "go together"),
        (("--queue", "0"), "from 1 to 1000"),
        (("--queue", "1..x"), "no list of numbers"),
        (("--queue", "8..1"), "no list of numbers"),
        (("--pes", "64,,"), "no list of numbers"),
        (("--seed", "-1"), "must not be negative"),
        (("--golden-only", "--spot-check", "2"), "leave out --golden-only"),
        (("--scheme", "eie", "--spot-check", "2"), "no RTL"),
        (
            ("--matrix", "m.mtx", "--activations", "x.npy", "--layers", "NT-We"),
            "leave out --layers",
        ),
        (("--matrix", "m.mtx", "--activations", "x.npy"), "m.mtx: no such file"),
    ],
)
def test_options_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, *arguments)


MARKET = "%%MatrixMarket matrix coordinate real general\n"
BAD = {
    "nan.mtx": (MARKET + "20 30 1\n1 1 nan\n", "NaN"),
    "malformed.mtx": ("this is no matrix\n", "does not begin with '%%MatrixMarket matrix'"),
    "short.mtx": (MARKET + "20 30 5\n1 1 2.0\n", "says that it has 5 elements, but has 1"),
    "outside.mtx": (MARKET + "20 30 1\n21 1 2.0\n", "an element lies outside its 20 x 30"),
    "twice.mtx": (MARKET + "20 30 2\n1 1 2.0\n1 1 3.0\n", "given twice"),
    "empty.mtx": (MARKET + "20 30 0\n", "is empty"),
    "zeros.mtx": (MARKET + "20 30 1\n1 1 0.0\n", "all its values are 0"),
    "complex.mtx": (MARKET.replace("real", "complex") + "20 30 1\n1 1 0 1\n", "complex"),
    "narrow.mtx": (MARKET + "20 29 1\n1 1 1\n", "one activation for each column"),
    "bad.smtx": ("20, 30, 2\n0 1\n3\n", "not a .smtx file"),
    "outside.smtx": ("1, 30, 1\n0 1\n30\n", "outside the matrix"),
    "words.smtx": ("a, b, c\n", "something other than whole numbers"),
    "bad.npz": ("PK no archive", "not a matrix, or damaged"),
    "matrix.txt": ("1", "not a matrix file"),
}


@pytest.mark.parametrize("name", BAD)
def test_matrices_refused(
    capsys: pytest.CaptureFixture[str], files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    text, said = BAD[name]
    (tmp_path / name).write_text(text)
    line = refused(capsys, "--matrix", tmp_path / name, "--activations", files["x.npy"])
    assert said in line
    assert name in line


def large(folder: Path, shape: tuple[int, int]) -> tuple[object, ...]:
    """Arguments for a matrix without a zero."""
    sparse.save_npz(folder / "m.npz", sparse.csr_matrix(np.ones(shape)))
    np.save(folder / "x.npy", np.ones(shape[1]))
    files = ("--matrix", folder / "m.npz", "--activations", folder / "x.npy")
    return (*files, "--golden-only")


def test_a_matrix_larger_than_the_entry_memory(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine of 64 PEs with 1,024 entries each."""
    monkeypatch.setattr(engine, "_SHARE", 0.01)
    line = refused(capsys, *large(tmp_path, (300, 300)))
    assert "layer m.npz: it has 90000 non-zeros" in line
    assert "room for 65536 (entry memory: 1024 a PE)" in line


def test_one_pe_with_too_many_entries(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """As many as fit in all, but in a single row."""
    line = refused(capsys, *large(tmp_path, (1, 25000)), "--pes", 256)
    assert "a PE would store 25000 entries" in line


@pytest.mark.parametrize("shape", [(1, 25089), (8833, 1)])
def test_matrices_with_too_many_rows_or_columns(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shape: tuple[int, int]
) -> None:
    assert "has room for" in refused(capsys, *large(tmp_path, shape))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full(COLUMNS, np.nan), "NaN"),
        (np.zeros(COLUMNS), "every activation is 0"),
        (np.ones(COLUMNS + 1), "one activation for each column"),
        (np.ones((2, 2, COLUMNS)), "one vector"),
        (np.array(["a"] * COLUMNS), "not real numbers"),
        (np.ones((0, COLUMNS)), "one vector"),
    ],
)
def test_activations_refused(
    capsys: pytest.CaptureFixture[str],
    files: dict[str, Path],
    tmp_path: Path,
    values: np.ndarray,
    said: str,
) -> None:
    np.save(tmp_path / "bad.npy", values)
    line = refused(capsys, "--matrix", files["m.mtx"], "--activations", tmp_path / "bad.npy")
    assert said in line
    assert "bad.npy" in line


def test_pickles_are_not_opened(
    capsys: pytest.CaptureFixture[str], files: dict[str, Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    line = refused(capsys, "--matrix", files["m.mtx"], "--activations", tmp_path / "bad.npy")
    assert "holds Python objects" in line
