"""Waveforms: what is written is read back, of an engine without cells and of one with them."""

import gc
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from vcd.gtkw import GTKWFlag

from golden.arithmetic.sequences import Step
from golden.errors import ElsieError
from golden.format.image import encode
from golden.format.network import Network
from rtl.engine import Engine
from sim import interpreted
from sim.check import Simulation, simulate, simulate_steps
from sim.harness import SimulationTimeout
from sim.waves.record import Waveforms
from sim.waves.target import Wave
from tests.cells import SMALL, cell_config, cell_network, random_steps
from tests.networks import random_input, random_network, small_config
from tests.sim.waves.dumps import Dump, Save, read, read_save

CLOCK_MHZ = 75.0  # of which a period is no whole number of ps
PERIOD = 13334
needs_fst = pytest.mark.skipif(
    shutil.which("vcd2fst") is None, reason="vcd2fst, which comes with GTKWave, is not installed"
)


@dataclass
class Recorded:
    """A simulation with its waveforms."""

    network: Network
    simulation: Simulation
    wave: Wave
    dump: Dump
    save: Save


def dense() -> Network:
    """Three fraction bits more than a random network has, at both ends."""
    rng, sizes = np.random.default_rng(4), [12, 10, 6]
    network = random_network(rng, small_config(sizes, pes=3, group=2), sizes, density=0.7)
    layers = [
        replace(layer, in_frac=layer.in_frac + 3, out_frac=layer.out_frac + 3)
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


def run(network: Network, wave: Wave) -> Simulation:
    rng = np.random.default_rng(5)
    if network.recurrent:
        return simulate_steps(network, random_steps(rng, network, 2), wave=wave)
    return simulate(network, random_input(rng, network, samples=2), wave=wave)


@pytest.fixture(scope="module", params=["dense", "cells"])
def recorded(request, tmp_path_factory) -> Recorded:
    rng = np.random.default_rng(6)
    network = (
        dense() if request.param == "dense" else cell_network(rng, cell_config(), widths=SMALL)
    )
    wave = Wave(file=tmp_path_factory.mktemp("waves") / "run.vcd", clock_mhz=CLOCK_MHZ)
    simulation = run(network, wave)
    assert simulation.equal
    return Recorded(network, simulation, wave, read(wave.file), read_save(wave.gtkwave))


def test_time_is_in_picoseconds_of_the_real_clock(recorded: Recorded) -> None:
    edges = recorded.dump.rises("elsie.sequencer.clk")
    assert recorded.dump.timescale == "1 ps"
    assert len(edges) > 100
    assert set(np.diff(edges)) == {PERIOD}


def test_every_signal_of_the_save_file_is_in_the_dump(recorded: Recorded) -> None:
    names = [trace.name for trace in recorded.save.traces]
    assert len(names) == len(set(names)) > 40
    assert set(names) <= set(recorded.dump.names)
    assert not any("$" in name or "\\" in name for name in names)


def test_a_group_each_for_sequencer_streams_and_pes(recorded: Recorded) -> None:
    pes = [f"PE{number}" for number in range(recorded.network.config.pes)]
    assert recorded.save.groups == ["sequencer", "streams", *pes]
    for trace in recorded.save.traces:
        assert trace.name.split("[")[0] == f"elsie.{trace.group}.{trace.alias}"
    for pe in pes:
        shown = {trace.alias for trace in recorded.save.traces if trace.group == pe}
        assert {"state", "push_value", "pop", "issue_address", "commit_total"} <= shown


def test_numbers_are_decimal_and_states_are_words(recorded: Recorded) -> None:
    by_name = {(trace.group, trace.alias): trace for trace in recorded.save.traces}
    first, last = recorded.network.layers[0], recorded.network.layers[-1]
    for signal, frac in (("input_value", first.in_frac), ("output_value", last.out_frac)):
        trace = by_name["streams", signal]
        assert GTKWFlag.signed in trace.flags
        assert GTKWFlag.fpdecshift in trace.flags
        assert trace.shift == frac
        assert trace.name.endswith(f":{-frac}]")
    for signal in ("push_value", "commit_total"):
        assert GTKWFlag.signed in by_name["PE0", signal].flags
    assert GTKWFlag.dec in by_name["PE0", "push_count"].flags
    assert not any(GTKWFlag.hex in trace.flags for trace in recorded.save.traces)
    words = {word for _, word in recorded.dump.changes[recorded.dump.names["elsie.PE0.state"]]}
    assert {"IDLE", "RUN"} <= words <= {"IDLE", "QUEUED", "RUN", "DRAIN"}


def test_opens_at_the_first_inference(recorded: Recorded) -> None:
    """A is the clock edge that takes the last input, B that at which it is done; both are seen."""
    save, dump = recorded.save, recorded.dump
    cursor, start, done = save.marks
    assert cursor == start
    for signal in ("input_valid", "input_ready", "input_last"):
        assert dump.at(f"elsie.streams.{signal}", start) == "1"
    assert dump.at("elsie.sequencer.done", done) == "1"
    cycles = recorded.simulation.inferences[0].trace.events["done"][0, 0]
    assert done - start == cycles * PERIOD
    seen = 2.0**-save.zoom * save.width / 200  # 200 pixels are 2**-zoom
    assert save.start < start
    assert (done - save.start) < seen < 2 * (done - save.start) + 20 * PERIOD


def test_the_names_mean_what_they_say(recorded: Recorded) -> None:
    """A PE's commits, read from the dump at every clock edge, are those of the trace."""
    dump, pe = recorded.dump, recorded.network.config.pes - 1
    _, start, done = recorded.save.marks
    group = f"elsie.PE{pe}"
    row, total = (
        next(name for name in dump.names if name.startswith(f"{group}.{signal}"))
        for signal in ("commit_row", "commit_total")
    )
    width = recorded.network.config.acc_width
    found = []
    for edge in dump.rises("elsie.sequencer.clk"):
        if start <= edge <= done and dump.at(f"{group}.commit", edge) == "1":
            value = int(dump.at(total, edge))
            value -= (value >> (width - 1)) << width
            found.append([int(dump.at(row, edge)), value])
    commits = recorded.simulation.inferences[0].trace.events["commit"]
    expected = commits[commits[:, 1] == pe][:, -2:].tolist()
    assert len(found) > 2
    assert found == expected


def test_surfer_is_told_the_same(recorded: Recorded) -> None:
    """Dividers and variables are items, numbered a to p; formats go to the one with the focus."""
    items: list[str] = []
    formats: dict[str, str] = {}
    focus, seen = 0, []
    for line in recorded.wave.surfer.read_text().splitlines():
        command, _, word = line.partition(" ")
        if command in ("divider_add", "variable_add"):
            items.append(word)
        elif command == "item_focus":
            focus = int("".join(f"{ord(letter) - ord('a'):x}" for letter in word), 16)
        elif command == "item_set_format":
            formats[items[focus]] = word
        elif command == "zoom_to":
            seen = [int(time) for time in word.split()]
        else:
            assert command in ("item_unfocus", "cursor_set")
    paths = [trace.name.split("[")[0] for trace in recorded.save.traces]
    assert [item for item in items if "." in item] == paths
    assert [item for item in items if "." not in item] == recorded.save.groups
    for trace in recorded.save.traces:
        if GTKWFlag.signed in trace.flags:
            expected = "Signed fixed point" if trace.shift else "Signed"
            assert formats[trace.name.split("[")[0]] == expected
    assert formats["elsie.PE1.push_count"] == "Unsigned"
    assert "elsie.PE1.state" not in formats
    assert seen[0] == recorded.save.start < recorded.save.marks[2] < seen[1]


@needs_fst
def test_fst_holds_the_same(tmp_path: Path) -> None:
    vcd, fst = Wave(file=tmp_path / "run.vcd"), Wave(file=tmp_path / "run.fst")
    for wave in (vcd, fst):
        run(dense(), wave)
    back = tmp_path / "back.vcd"
    with back.open("w") as file:
        subprocess.run(["fst2vcd", str(fst.file)], stdout=file, check=True)
    expected, found = read(vcd.file), read(back)
    clock = "elsie.sequencer.clk"
    assert found.rises(clock) == expected.rises(clock)
    assert fst.file.stat().st_size < vcd.file.stat().st_size / 2
    for trace in read_save(fst.gtkwave).traces:
        for time in range(0, 100 * vcd.period_ps, vcd.period_ps):
            assert found.at(trace.name, time + 1) == expected.at(trace.name, time + 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("stop", [SimulationTimeout, KeyboardInterrupt])
def test_what_is_left_of_a_run_that_does_not_end(tmp_path: Path, stop: type) -> None:
    """A failed check leaves waveforms to look at; an interrupt leaves nothing."""
    network, wave = dense(), Wave(file=tmp_path / "run.vcd")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    steps = [Step(x=np.ones((1, network.n_in), dtype=np.int64), reset=(True,))]
    with pytest.raises(stop):
        interpreted.run(
            encode(network),
            steps,
            max_cycles=40 if stop is SimulationTimeout else 10_000,
            waveforms=Waveforms(wave=wave, network=network),
            load=False,
            progress=interrupt if stop is KeyboardInterrupt else None,
            engine=Engine,
        )
    gc.collect()  # here, where what unfinished testbenches say is expected
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == (["run.gtkw", "run.sucl", "run.vcd"] if stop is SimulationTimeout else [])
    if left:
        assert {t.name for t in read_save(wave.gtkwave).traces} <= set(read(wave.file).names)


def test_refusals(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(ElsieError, match=r"run\.gtkw: waveforms are \.vcd or \.fst"):
        Wave(file=tmp_path / "run.gtkw")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ElsieError, match=r"vcd2fst is not installed.*or name the file \.vcd"):
        Wave(file=tmp_path / "run.fst")
    assert Wave(file=tmp_path / "run.vcd").commands[0].startswith("gtkwave ")
