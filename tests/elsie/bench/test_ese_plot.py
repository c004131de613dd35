"""The drawn schedule: what it assigns to layers and streams, and the file itself."""

import dataclasses
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elsie.bench.ese import measure, problem
from elsie.bench.ese.layers import LAYERS
from elsie.bench.ese.schedule import Work, spans, works
from elsie.cli.main import main
from golden.arithmetic.sequences import Step
from golden.format.image import encode
from golden.format.program import PROGRAMS, Kind
from golden.timing.model import TimingModel

LAYER, PES = LAYERS["ESE/16"], 4
GOLDEN = ["bench", "ese", "--layers", "ESE/16", "--pes", "4", "--golden-only"]


def model(streams: int) -> TimingModel:
    config = problem.engine(LAYER, pes=PES, streams=streams, queue=8)
    return TimingModel(encode(problem.network(LAYER, config, pruning="plain")))


def last_works(streams: int, steps: list[Step]) -> list[Work]:
    running = model(streams)
    trace = [running.run(step.x, reset=step.reset)[0] for step in steps][-1]
    found = works(trace, pes=PES)
    for kind in ("broadcast", "issue", "operation"):
        drawn = [(c, w.pe) for w in found if w.kind == kind for c in w.cycles.tolist()]
        events = trace.events[kind][:, :2].tolist()
        whose = [(c, None if kind == "broadcast" else pe) for c, pe in events]
        assert Counter(drawn) == Counter(whose), kind
    return found


def random_steps() -> list[Step]:
    """Of two streams; in the first one half of the inputs are 0."""
    steps = problem.steps(LAYER, model(2).config, 3)
    for step in steps:
        step.x[0, ::2] = 0
    return steps


def test_each_stream_has_the_work_that_it_has_alone() -> None:
    """Nothing is drawn in another's colour: each stream runs once more in an engine of its own."""
    both, alone = random_steps(), Counter()
    two = last_works(2, both)
    counts = Counter()
    for w in two:
        counts[w.kind, w.pe, w.layer, w.stream, w.name] += len(w.cycles)
    for stream in range(2):
        own = [dataclasses.replace(s, x=s.x[[stream]], reset=s.reset[:1]) for s in both]
        for w in last_works(1, own):
            alone[w.kind, w.pe, w.layer, stream, w.name] += len(w.cycles)
    assert counts == alone
    # The streams differ, or the comparison would say nothing.
    assert counts["issue", 0, 0, 0, ""] < counts["issue", 0, 0, 1, ""]


def test_phases_come_in_their_order() -> None:
    found = last_works(2, random_steps())
    for pe in range(PES):
        for kind in ("issue", "operation"):
            mine = [work for work in found if work.pe == pe and work.kind == kind]
            mine.sort(key=lambda work: int(work.cycles[0]))
            phases = [(work.layer, work.stream) for work in mine]
            assert phases == sorted(phases)
            assert all(a.cycles[-1] < b.cycles[0] for a, b in pairwise(mine))
        gates = [w.name for w in found if w.pe == pe and w.name and not w.layer]
        passes = [", ".join(op.name for op in ops) for ops in PROGRAMS[Kind.PEEPHOLES]]
        assert gates == [name for name in passes for _ in range(2)]


@pytest.mark.parametrize(
    ("cycles", "gap", "expected"),
    [
        ([], 0, []),
        ([3], 0, [(3, 1)]),
        ([3, 4, 6], 0, [(3, 2), (6, 1)]),
        ([3, 4, 6, 9], 1, [(3, 4), (9, 1)]),
    ],
)
def test_spans(cycles: list[int], gap: int, expected: list[tuple[int, int]]) -> None:
    assert spans(np.array(cycles, dtype=np.int64), gap=gap) == expected


def test_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([*GOLDEN, "--json", "--plot", str(tmp_path)]) == 0
    values = json.loads(capsys.readouterr().out)
    assert [one["streams"] for one in values["layers"]] == [2, 1]
    (file,) = map(Path, values["plots"])
    text = file.read_text()
    assert file.name == "ese-schedule-ese-16.svg"
    assert len(text) < 150_000
    two, one = (f"{figures['round_cycles']:,} cycles" for figures in values["layers"])
    for part in ("Trace of the golden model", f"1 stream: {one}", f"2 streams in turn: {two}"):
        assert part in text
    file.unlink()
    main([*GOLDEN, "--plot", str(tmp_path)])
    assert file.read_text() == text


def test_a_layer_without_projection_and_one_stream(tmp_path: Path) -> None:
    names = ["--layers", "DeepBench-256", "--streams", "1", "--pes", "2", "--golden-only"]
    assert main(["bench", "ese", *names, "--plot", str(tmp_path)]) == 0
    text = (tmp_path / "ese-schedule-deepbench-256.svg").read_text()
    assert "projection" not in text
    assert "in turn" not in text
    assert "cycles not drawn" in text


def test_an_rtl_that_differs_is_not_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = measure.measure

    def differing(*arguments: Any, **options: Any) -> Any:
        figures, trace = real(*arguments, **{**options, "rtl": False})
        return dataclasses.replace(figures, trace_equal=False, first_difference="here"), trace

    monkeypatch.setattr(measure, "measure", differing)
    assert main([*GOLDEN[:-1], "--plot", str(tmp_path)]) == 1
    assert "DIFFERS" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_without_matplotlib(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert main([*GOLDEN, "--plot", str(tmp_path / "p")]) == 2
    assert "pip install elsie-fpga[plots]" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
