"""The comparison with peers: the workload, our own cycles, the published rows, the sweep."""

import dataclasses
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from elsie.bench.peers import compare, own, processor, soft_core, sweep
from elsie.bench.peers.networks import ENGINES, Workload, network, workload
from elsie.bench.peers.rows import Row, published
from elsie.cli.main import main
from golden.arithmetic.integers import round_half_even, saturate
from golden.arithmetic.run import Runner
from golden.config import EngineConfig
from sim.check import Simulation, simulate
from toolchain.compiler import compiler


@pytest.fixture(scope="module")
def small() -> Workload:
    return workload("S")


@pytest.fixture(scope="module")
def large() -> Workload:
    return workload("L")


def test_networks_do_the_published_work(small: Workload, large: Workload) -> None:
    for work, nonzeros, macs, broadcasts in (
        (small, [205, 32], [205, 13], 78),
        (large, [3277, 128], [3277, 63], 256 + 59),
    ):
        assert [int(np.count_nonzero(matrix)) for matrix in work.weights] == nonzeros
        assert work.macs == macs
        assert work.broadcasts == broadcasts
        assert np.count_nonzero(work.x) == len(work.x)
        assert max(abs(int(matrix.max())) for matrix in work.weights) <= 127


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("pes", sorted(ENGINES))
def test_the_compressed_network_computes_the_same(small: Workload, pes: int, dense: bool) -> None:
    compressed = network(small, ENGINES[pes], dense=dense)
    run = Runner(compressed, 1)
    run.step(small.x[None])
    assert [values[0].tolist() for values in run.outputs] == [
        values.tolist() for values in small.activations()[1:]
    ]
    stored = sum(layer.nnz for layer in compressed.layers)
    assert stored == (small.weights_in_all if dense else small.nonzeros)


def test_l_on_16_pes_takes_at_most_360_cycles(large: Workload) -> None:
    cycles = own.golden_cycles(large, 16)
    assert large.broadcasts < cycles <= 360
    # An engine that stores zeros does at least a MAC for each weight of a non-zero activation.
    assert own.golden_cycles(large, 16, dense=True) >= (256 * 128 + 59 * 10) / 16


def test_the_rtl_is_compared_with_golden_event_by_event(
    small: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = own.run(small, 4, area=None)
    assert good.difference is None
    assert good.row.cycles == own.golden_cycles(small, 4)
    assert good.row.lut is None

    def wrong(*arguments: Any) -> Simulation:
        found = simulate(*arguments)
        one = dataclasses.replace(found.inferences[0], outputs=found.inferences[0].outputs + 1)
        return Simulation(inferences=[one])

    monkeypatch.setattr(own, "simulate", wrong)
    bad = own.run(small, 4, area=None)
    assert bad.difference is not None
    assert "output 0" in bad.difference
    assert bad.row.source.startswith("RTL and golden differ")


def test_known_areas_are_of_the_engines_as_they_are(small: Workload, large: Workload) -> None:
    engines = [network(work, ENGINES[pes]).config for work in (small, large) for pes in ENGINES]
    assert all(EngineConfig.from_dict({**one.config}) in engines for one in own.known_areas())
    wide = own.known_area(network(large, ENGINES[16]).config)
    assert wide is not None
    assert wide.report.lut <= 8000
    assert "measured 2026-11-26 at commit" in wide.source
    assert own.known_area(engines[0].replace(queue_depth=5)) is None


@pytest.mark.long
@pytest.mark.bitstream
@pytest.mark.timeout(1800)
def test_known_areas_can_be_measured_again(tmp_path: Path) -> None:
    records = [replace(record, measured=None) for record in own.known_areas()]
    for name in ("S", "L"):
        for pes, base in ENGINES.items():
            compressed = network(workload(name), base)
            if own.known_area(compressed.config) is not None:
                found = own.measure_area(compressed, pes, out=tmp_path / f"{name}{pes}")
                assert found in records


def test_published_rows_have_sources_and_times() -> None:
    rows = {row.who: row for row in published("L", macs=3340)}
    assert rows["VexRiscv standard, C"].cycles == 67785
    assert rows["VexRiscv standard, C"].lut == 3372
    assert rows["VexRiscv standard, C"].microseconds == round(67785 / 82.4, 3)
    assert rows["NNgen, 16 multipliers"].cycles == 12673
    assert rows["NNgen, 16 multipliers"].cycles_per_mac == round(12673 / 3340, 4)
    assert rows["da4ml, fully unrolled"].cycles is None
    assert rows["da4ml, fully unrolled"].cycles_per_mac is None
    assert all(row.source for row in rows.values())


def test_products_on_the_cpu_are_checked(small: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = processor.measure(small, repeats=3)
    assert {row.who for row in rows} == set(processor._WAYS)
    assert all(row.microseconds and row.cycles is None for row in rows)
    monkeypatch.setitem(processor._WAYS, "numpy dense, float32", lambda matrix: matrix + 1)
    with pytest.raises(Exception, match="numpy dense, float32: a product on network S is wrong"):
        processor.measure(small, repeats=1)


def test_crossings_are_found_between_the_points() -> None:
    points: Any = [SimpleNamespace(density=density) for density in (0.1, 0.2, 0.4)]
    assert sweep._crossing(points, [-1, 1, 3]) == 0.15
    assert sweep._crossing(points, [-1, 0, 2]) == 0.2
    assert sweep._crossing(points, [-3, -2, -1]) is None
    assert sweep._crossing(points, [1, 2, 3]) == 0.1


def test_the_sweep_says_what_every_side_needs() -> None:
    sparse, dense = sweep.sweep((0.05, 1.0))
    assert sparse.nonzeros == 1638 + 64
    assert sparse.peak == dense.peak == 34048 // 16
    assert sparse.unrolled_luts == (22 * 1702, 27 * 1702)
    assert sparse.unrolled_fits
    assert not dense.unrolled_fits
    assert sparse.wide < sparse.peak < dense.wide
    assert dense.wide == dense.wide_dense
    found = sweep.crossovers([sparse, dense])
    assert found["unrolled_ecp5_low"] == round(83640 / 27 / 34048, 3)
    assert found["own_dense"] is None


def test_c_arrays_hold_the_network(small: Workload) -> None:
    text = soft_core.header(small)
    assert "#define LAYERS 2\n#define WIDEST 64\n" in text
    starts = text.split("start0[] = {")[1].split("}")[0].split(", ")
    assert [int(start) for start in starts][-1] == 205
    assert f"{{64, 32, {small.shifts[0]}, 1, start0, row0, weight0}}" in text
    assert f"{{32, 10, {small.shifts[1]}, 0, start1, row1, weight1}}" in text


def test_the_c_program_requantises_as_golden_does(small: Workload, tmp_path: Path) -> None:
    (tmp_path / "network.h").write_text(soft_core.header(small))
    (tmp_path / "all.c").write_text(
        "#include <stdio.h>\n#define main program\n"
        f'#include "{soft_core.FOLDER / "sparse.c"}"\n#undef main\n'
        "int main(void) { for (int n = 0; n < 12; n++) for (int v = -3000; v <= 3000; v++)"
        ' printf("%d ", requantise(v, n % 6, n / 6)); }\n'
    )
    program = tmp_path / "all"
    flags = ["-x", "c", "-w", "-I", str(tmp_path)]
    subprocess.run([*compiler(), *flags, str(tmp_path / "all.c"), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    sums = np.arange(-3000, 3001)
    exact = [saturate(round_half_even(sums, shift), 8) for shift in range(6)]
    exact += [np.maximum(values, 0) for values in exact]
    assert [int(value) for value in done.stdout.split()] == np.concatenate(exact).tolist()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soft_core.importlib.util, "find_spec", lambda name: None)
    assert "pip install elsie-fpga[peers]" in (soft_core.missing() or "")
    monkeypatch.setattr(soft_core.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert "C++ compiler" in (soft_core.missing() or "")


@pytest.mark.long
@pytest.mark.parametrize("name", ["S", "L"])
@pytest.mark.parametrize("core", soft_core.CORES, ids=lambda core: core.top)
def test_the_soft_cores_compute_what_golden_does(core: soft_core.Core, name: str) -> None:
    work = workload(name)
    found = soft_core.run(core, work)
    assert found.outputs.tolist() == work.activations()[-1].tolist()
    assert sum(work.macs) * 15 < found.cycles <= found.first


def comparison(**changes: Any) -> compare.Comparison:
    points = [
        sweep.Point(
            density=density,
            nonzeros=nonzeros,
            wide=cycles,
            wide_dense=2148,
            narrow=4 * cycles,
            peak=2128,
            unrolled_luts=(22 * nonzeros, 27 * nonzeros),
        )
        for density, nonzeros, cycles in ((0.1, 3405, 358), (1.0, 34048, 2150))
    ]
    row = Row(network="L", who="Elsie", part="ECP5", macs=3340, cycles=358, source="measured")
    fast = replace(row, who="numpy dense", part="CPU", cycles=None, microseconds=4.87)
    fields: dict[str, Any] = {
        "networks": {"L": {"weights": 34048}},
        "cpu": "a CPU",
        "rows": [replace(row, microseconds=3.9), fast],
        "sweep": points,
        "crossovers": sweep.crossovers(points),
        "failures": [],
        "notes": ["no compiler"],
        "areas": [],
    }
    return compare.Comparison(**(fields | changes))


def test_the_command_prints_tables_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: dict[str, Any] = {}

    def fake(**options: Any) -> compare.Comparison:
        asked.update(options)
        return comparison()

    monkeypatch.setattr(compare, "compare", fake)
    assert main(["bench", "peers", "--skip-soft-core", "--plot", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert asked["soft_cores"] is False
    assert asked["area"] is False
    assert "0.107" in out  # cycles per MAC
    assert "up to density 0.091..0.112 of L" in out
    assert "at best 4.87 us (numpy dense" in out
    assert "Elsie 3.9 us" in out
    assert "no compiler" in err
    assert "unrolled logic fits" in (tmp_path / "peers-density.svg").read_text()
    assert main(["bench", "peers", "--json", "--area"]) == 0
    out, _ = capsys.readouterr()
    values = json.loads(out)
    assert asked["area"] is True
    assert values["rows"][0]["cycles_per_mac"] == round(358 / 3340, 4)
    assert set(values["rows"][0]) >= {"network", "who", "cycles", "macs", "lut", "ff", "source"}


def test_a_difference_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = comparison(failures=["Elsie on L: cycle 7"])
    monkeypatch.setattr(compare, "compare", lambda **_: failing)
    assert main(["bench", "peers"]) == 1
    assert "FAILED: Elsie on L: cycle 7" in capsys.readouterr().err
