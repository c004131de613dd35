"""EIE's nine layers: the paper's figures, the data, the golden model and the RTL."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from elsie.bench.eie import engine, layers, measure, problem
from elsie.bench.eie.balanced import pruned
from elsie.bench.eie.run import Plan, of_paper, run
from elsie.compress.prune.balanced import BALANCES
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode
from golden.timing.losses import Losses
from golden.timing.model import TimingModel
from sim.compiled import program

TINY = layers.PaperLayer(
    name="tiny", n_in=150, n_out=37, weights=0.2, activations=0.6, microseconds=1.0
)
"""A layer of the paper's kind that runs in no time."""


def tiny(seed: int = 0) -> problem.Problem:
    return problem.published(TINY, seed=seed)


def plain(_: EngineConfig) -> problem.Problem:
    return tiny()


def test_the_papers_utilisation() -> None:
    """Useful MACs by Table III over the cycles of Table IV at 800 MHz and 64 PEs, in percent."""
    found = [round(100 * layer.useful_utilisation, 1) for layer in layers.LAYERS]
    assert found == [76.9, 85.3, 75.8, 42.7, 56.5, 90.0, 60.0, 81.5, 75.1]
    assert [round(layer.cycles) for layer in layers.LAYERS][:3] == [24240, 9760, 7920]


def test_data_have_the_papers_shapes_and_densities() -> None:
    for name in ("NT-We", "VGG-8", "NT-LSTM"):
        layer = layers.find(name)
        made = problem.published(layer)
        size = layer.n_in * layer.n_out
        for got, share, of in (
            (len(made.rows), layer.weights, size),
            (np.count_nonzero(made.x), layer.activations, layer.n_in),
        ):
            # Five standard deviations; none where all are active.
            assert abs(got - share * of) <= 5 * np.sqrt(of * share * (1 - share))
        assert (np.diff(made.columns * layer.n_out + made.rows) > 0).all()


def test_data_depend_on_seed_and_layer_only() -> None:
    one, same, other = tiny(), tiny(), tiny(1)
    assert np.array_equal(one.rows, same.rows)
    assert np.array_equal(one.x, same.x)
    assert not np.array_equal(one.x, other.x)


def test_calibration_never_sees_the_measured_input() -> None:
    """Else columns that are active now would be known; the shares are those of 64 other samples."""
    made = tiny()
    active = made.activity[made.x != 0].mean()
    idle = made.activity[made.x == 0].mean()
    assert abs(active - idle) < 0.05
    assert ((made.activity * 64) % 1 == 0).all()


@pytest.mark.parametrize(("pes", "queue", "group"), [(1, 4, 1), (5, 1, 2), (20, 2, 8), (64, 29, 1)])
def test_quick_prediction_is_the_timing_model(pes: int, queue: int, group: int) -> None:
    bench = measure.Bench(tiny(), pes=pes, group=group)
    net = bench.network(queue)
    row = bench.row(queue)
    trace, counters = TimingModel(encode(net)).run(tiny().x)
    assert row.cycles_golden == trace.cycles == counters.cycles
    assert row.useful_macs == trace.macs == tiny().macs
    assert row.useful_utilisation == trace.useful_utilisation(pes)
    assert sum(row.losses.values()) == pes * trace.cycles
    assert row.losses["useful"] == counters.macs


def test_queue_means_jobs_that_may_wait() -> None:
    for pes, beyond in ((4, 2), (64, 3)):
        config = engine.engine(pes=pes, queue=5)
        assert config.queue_threshold == 5
        assert config.queue_depth == 5 + beyond


def test_one_engine_for_all_nine_layers() -> None:
    """Its queue is at most 32 deep, and each layer fits."""
    config = engine.engine(pes=64)
    assert config.queue_depth == 32
    plan = Plan(problems=of_paper(None, seed=0))
    assert plan.queues_for(64) == (config.queue_threshold,)
    assert engine.engine(pes=64, queue=config.queue_threshold) == config


@pytest.mark.parametrize(("name", "least"), [("NT-We", 0.90), ("NT-LSTM", 0.95), ("VGG-8", 0.95)])
def test_targets(name: str, least: float) -> None:
    results = run(Plan(problems=of_paper([name], seed=0), rtl=False))
    (row,) = results.rows
    assert row.useful_utilisation >= least
    assert row.useful_utilisation > row.eie_scheme_utilisation
    assert row.assignment_bound >= 1


@pytest.mark.long
@pytest.mark.timeout(900)
def test_targets_of_all_nine() -> None:
    results = run(Plan(problems=of_paper(None, seed=0), rtl=False))
    assert len(results.rows) == 9
    for row in results.rows:
        least = 0.90 if row.layer == "NT-We" else 0.95
        assert row.useful_utilisation >= least, row.layer


def test_longer_queues_never_cost_cycles() -> None:
    plan = Plan(problems=of_paper(["NT-LSTM"], seed=0), queues=(1, 4, 16, 64), rtl=False)
    cycles = [row.cycles_golden for row in run(plan).rows]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[0] > cycles[-1]


def test_eies_scheme_on_the_same_data() -> None:
    elsie, eie = (
        run(Plan(problems=(plain,), pes=(4,), scheme=scheme, rtl=False)).rows[0]
        for scheme in measure.SCHEMES
    )
    assert eie.useful_macs == elsie.useful_macs
    assert eie.cycles_golden == elsie.eie_scheme_cycles
    assert eie.queue == 8
    assert sum(eie.losses.values()) == 4 * eie.cycles_golden
    assert set(eie.losses) == set(Losses.__dataclass_fields__)


def test_spot_checks_are_spread_evenly() -> None:
    plan = Plan(problems=(plain,), queues=(1, 2, 3, 4, 5, 6), rtl=False, spot_checks=2)
    assert [plan.simulated(n) for n in range(6)] == [False, True, False, False, True, False]
    every = Plan(problems=(plain,), queues=(1, 2), rtl=False, spot_checks=9)
    assert every.simulated(0)
    assert every.simulated(1)


def test_rtl_equals_golden(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """A small engine, compiled; and a wrong prediction is seen."""
    try:
        program.compiler()
    except ElsieError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("ELSIE_CACHE_DIR", str(tmp_path))
    made = (plain, lambda _: tiny(1), *(partial(pruned, TINY, per=per) for per in BALANCES))
    results = run(Plan(problems=made, pes=(2,), queues=(3,)))
    assert not results.differences
    assert [row.balanced for row in results.rows] == [None, None, *BALANCES]
    for row in results.rows:
        assert row.cycles_rtl == row.cycles_golden
        assert row.trace_equal
        assert row.outputs_equal
        assert (row.events or 0) > row.useful_macs
    bench = measure.Bench(tiny(), pes=2)
    row = bench.row(3)
    wrong = replace(row, cycles_golden=row.cycles_golden + 1)
    assert "disagrees" in (bench.with_rtl(wrong)[1] or "")


def test_unknown_names() -> None:
    with pytest.raises(ElsieError, match="no layer 'Alex-9'; there are Alex-6, "):
        layers.find("Alex-9")
    with pytest.raises(ElsieError, match="no scheme 'ese'; there are elsie, eie"):
        run(Plan(problems=(plain,), scheme="ese"))
