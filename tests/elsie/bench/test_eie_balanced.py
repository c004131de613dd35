"""`elsie bench eie --balanced`: even work, and what it cannot reach.

RTL against golden is in test_eie.py, on an engine that is made there anyway.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from elsie.bench.eie import balanced, engine, measure
from elsie.bench.eie.run import Plan, of_paper, run
from elsie.cli.main import main
from tests.elsie.bench.test_eie import TINY

AIM = 0.98


def limit(row: measure.Row) -> float:
    """Utilisation when every PE has the mean's work: no faster than a broadcast a cycle."""
    each = row.useful_macs / row.pes
    fixed = (row.losses["start_up"] + row.losses["drain"]) / row.pes
    return each / (max(row.broadcasts, each) + fixed)


def measured(name: str, *, per: str, pes: int = 64) -> measure.Row:
    plan = Plan(problems=of_paper([name], seed=0, balance=per), pes=(pes,), rtl=False)
    return run(plan).rows[0]


@pytest.mark.parametrize("per", ["pe", "column"])
@pytest.mark.parametrize(("pes", "group"), [(1, 1), (4, 1), (5, 2)])
def test_work_is_even_on_the_engine(pes: int, group: int, per: str) -> None:
    """As the engine stores it, after the rows were placed."""
    made = balanced.pruned(TINY, engine.engine(pes=pes, group=group), per=per)
    bench = measure.Bench(made, pes=pes, group=group)
    real = engine.work(bench.network(3)).real[:, : TINY.n_in]
    assert real.sum() == round(TINY.weights * TINY.n_in * TINY.n_out)
    assert np.ptp(real.sum(axis=1)) <= 1
    assert (np.ptp(real, axis=1) <= 1).all() == (per == "column")
    assert bench.row(3).balanced == per


def test_inputs_are_the_same_for_all_engines() -> None:
    one, same, other, seed = (
        balanced.pruned(TINY, engine.engine(pes=pes), per=per, seed=seed)
        for pes, per, seed in ((4, "pe", 0), (4, "pe", 0), (5, "column", 0), (4, "pe", 1))
    )
    for name in ("x", "activity"):
        first = getattr(one, name)
        assert np.array_equal(first, getattr(other, name))
        assert not np.array_equal(first, getattr(seed, name))
    assert np.array_equal(one.rows, same.rows)
    assert not np.array_equal(one.rows, other.rows)


@pytest.mark.parametrize("name", ["Alex-8", "VGG-8", "NT-LSTM"])
def test_even_columns_reach_the_aim(name: str) -> None:
    assert measured(name, per="column").useful_utilisation >= AIM


def test_zeros_of_the_input_make_equal_pes_uneven_but_not_equal_columns() -> None:
    pe, column = (measured("VGG-8", per=per) for per in ("pe", "column"))
    assert column.assignment_bound < 1.01 < pe.assignment_bound
    assert column.useful_utilisation > pe.useful_utilisation + 0.01


def test_one_broadcast_a_cycle_bounds_a_small_layer() -> None:
    """3840 MACs a PE and 4096 broadcasts; on half as many PEs there is work for every one."""
    row = measured("NT-We", per="column")
    assert row.useful_macs / 64 / row.broadcasts == 0.9375
    assert row.losses["imbalance"] <= row.pes
    assert row.useful_utilisation == pytest.approx(limit(row), abs=1e-4)
    assert limit(row) < 0.9375
    assert measured("NT-We", per="column", pes=32).useful_utilisation >= AIM


@pytest.mark.long
@pytest.mark.timeout(900)
def test_all_nine_reach_the_aim_or_are_bounded() -> None:
    """VGG-7 by its drain and start-up, NT-We by its broadcasts."""
    plan = Plan(problems=of_paper(None, seed=0, balance="column"), rtl=False)
    below = set()
    for row in run(plan).rows:
        if row.useful_utilisation < AIM:
            below.add(row.layer)
            assert limit(row) < AIM, row.layer
            assert row.useful_utilisation > limit(row) - 0.015, row.layer
    assert below <= {"VGG-7", "NT-We"}
    assert measured("VGG-7", per="column", pes=16).useful_utilisation >= AIM


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["bench", "eie", *map(str, arguments)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "per"),
    [((), None), (("--balanced",), "column"), (("--balanced", "pe"), "pe")],
)
def test_json_tells_the_pruning(
    capsys: pytest.CaptureFixture[str], option: tuple[str, ...], per: str | None
) -> None:
    out = command(capsys, "--layers", "NT-LSTM", *option, "--golden-only", "--json")
    values = json.loads(out)
    (row,) = values["rows"]
    assert values["balanced"] == row["balanced"] == per
    # Plainly every non-zero is independent; balanced they are exactly as many.
    exact = round(0.1 * 1201 * 2400)
    assert (row["useful_macs"] == exact) == (per is not None)


def test_the_table_tells_the_pruning(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("--layers", "NT-LSTM", "--golden-only")
    assert "pruned" not in command(capsys, *arguments)
    out = command(capsys, *arguments, "--balanced", "column", "--plot", tmp_path)
    assert out.startswith("pruned so that every PE keeps as many weights, in every column too\n")
    assert "for which they were not pruned" in out
    # Other files than without, which they shall not replace.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "eie-elsie-column-layers.svg",
        "eie-elsie-column-losses.svg",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--matrix", "m.mtx", "--activations", "x.npy"), "not --matrix; leave out one of them"),
        (("--scheme", "eie"), "EIE's scheme deals rows in its own way; leave out --balanced"),
        (("row",), "invalid choice: 'row'"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    try:
        code = main(["bench", "eie", "--balanced", *arguments])
    except SystemExit as stop:  # argparse
        code = int(str(stop.code))
    out, err = capsys.readouterr()
    assert code == 2
    assert not out
    assert said in err.strip().splitlines()[-1]
