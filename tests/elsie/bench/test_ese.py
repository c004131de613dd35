"""`elsie bench ese`: the paper's layer at its real size in golden; a small one in RTL too."""

import dataclasses
import json

import pytest

from elsie.bench.ese import layers, measure, problem
from elsie.bench.ese.layers import Matrix
from elsie.cli.main import main


def small() -> layers.LstmLayer:
    """ESE's layer, much smaller."""
    changed = {
        part: tuple(dataclasses.replace(m, density=0.3) for m in getattr(layers.ESE, part))
        for part in ("inputs", "recurrent")
    }
    return dataclasses.replace(
        layers.ESE,
        name="small",
        n_in=20,
        cells=32,
        projected=16,
        projection=Matrix(name="Wym", density=0.3),
        **changed,
    )


def test_the_densities_are_the_papers() -> None:
    layer = layers.ESE
    total = sum(layer.cells * layer.n_in * m.density for m in layer.inputs)
    total += sum(layer.cells * layer.n_back * m.density for m in layer.recurrent)
    assert layer.projection is not None
    total += layer.n_back * layer.cells * layer.projection.density
    # The paper's sum of its theoretical times.
    assert abs(total / layers.PES / layers.CLOCK_MHZ - layers.TOTALS[0]) < 0.2


@pytest.mark.parametrize("pruning", problem.PRUNING)
def test_rtl_is_golden_and_the_cycles_add_up(pruning: str) -> None:
    row, _ = measure.measure(small(), pes=4, streams=2, queue=8, pruning=pruning, rtl=True, seed=1)
    assert row.outputs_equal
    assert row.trace_equal
    assert row.first_difference is None
    assert row.round_cycles == row.round_cycles_rtl
    spent = sum(matrix.cycles for matrix in row.rows)
    rest = row.operation_cycles + row.waiting_cycles
    assert spent + rest == pytest.approx(row.step_cycles, abs=1e-6)
    assert len(row.rows) == 9


def test_the_target_is_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ese", "--golden-only", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["trace_equal"] is None
    assert values["layer"] == "ESE"
    assert [row["matrix"] for row in values["rows"]][-1] == "Wym"
    for one in values["layers"]:
        assert one["useful_utilisation"] >= 0.95, one["layer"]
    assert values["step_cycles"] / layers.CLOCK_MHZ < values["paper_microseconds"]["real"]


def test_balance_is_what_keeps_pes_busy() -> None:
    found = {
        pruning: measure.measure(
            layers.LAYERS["DeepBench-256"],
            pes=32,
            streams=1,
            queue=32,
            pruning=pruning,
            rtl=False,
            seed=0,
        )[0].useful_utilisation
        for pruning in problem.PRUNING
    }
    assert found["plain"] < found["pe"] <= found["column"] + 0.01


def test_unknown_layers_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "ese", "--layers", "ESE,XY"])
    assert stopped.value.code == 2
    assert "the layers are ESE, NT-LSTM, DeepBench-256, ESE/16" in capsys.readouterr().err
