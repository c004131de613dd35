"""Waveforms of an engine with maps: rows, tokens and drains are those of the trace."""

import numpy as np
import pytest
from vcd.gtkw import GTKWFlag

from golden.arithmetic.sequences import Step
from golden.maps.convolution import Source
from sim.check import simulate_steps
from sim.simulation import Simulation
from sim.waves.target import Wave
from tests.maps import Builder, map_config, map_input
from tests.sim.waves.dumps import Dump, Save, read, read_save

Recorded = tuple[Simulation, Dump, Save]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    build = Builder(np.random.default_rng(8), map_config(pes=3, group=2), (2, 4, 4))
    build.conv(3, Source(layer=-1, kernel=(3, 3), pad=(1, 1)), shape=(4, 4), pool=(2, 2))
    build.flatten(3)
    network = build.network()
    x = map_input(build.rng, network)
    wave = Wave(file=tmp_path_factory.mktemp("maps") / "run.vcd")
    done = simulate_steps(network, [Step(x=x, reset=(False,))], wave=wave)
    assert done.first_difference() is None
    return done, read(wave.file), read_save(wave.gtkwave)


def events(recorded: Recorded, group: str, valid: str, *names: str) -> list[tuple[int, ...]]:
    """Cycle, and values of some signals, at each clock edge at which another is high."""
    _, dump, save = recorded
    _, start, done = save.marks
    paths = [
        next(path for path in dump.names if path.split("[")[0] == f"elsie.{group}.{name}")
        for name in names
    ]
    edges = [edge for edge in dump.rises("elsie.sequencer.clk") if start <= edge <= done]
    period = edges[1] - edges[0]
    return [
        ((edge - start) // period, *(int(dump.at(path, edge)) for path in paths))
        for edge in edges
        if dump.at(f"elsie.{group}.{valid}", edge) == "1"
    ]


def test_groups_and_decimals(recorded: Recorded) -> None:
    _, dump, save = recorded
    assert save.groups == ["sequencer", "streams", "G0", "G1", "PE0", "PE1", "PE2"]
    assert {trace.name for trace in save.traces} <= set(dump.names)
    by_name = {(trace.group, trace.alias): trace for trace in save.traces}
    assert GTKWFlag.signed in by_name["G0", "output_value"].flags
    assert GTKWFlag.signed in by_name["streams", "broadcast_value"].flags
    assert GTKWFlag.dec in by_name["G0", "step_row"].flags
    assert not any(GTKWFlag.hex in trace.flags for trace in save.traces)


def test_rows_tokens_and_drains_are_the_trace_s(recorded: Recorded) -> None:
    trace = recorded[0].inferences[0].trace.events
    rows = events(recorded, "sequencer", "row_valid", "row_source", "row_number")
    assert rows[:-1] == [tuple(row) for row in trace["row"].tolist()]  # the last is the results'
    for group in (0, 1):
        ends = events(recorded, f"G{group}", "row_ends")
        lengths = trace["length"]
        assert [cycle for (cycle,) in ends] == lengths[lengths[:, 1] == group, 0].tolist()
    for pe in range(3):
        for kind, valid in (("token", "token"), ("steal", "steal")):
            mine = trace[kind][trace[kind][:, 1] == pe, 0].tolist()
            assert [cycle for (cycle,) in events(recorded, f"PE{pe}", valid)] == mine
            assert mine
