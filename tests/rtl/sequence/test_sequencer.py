# amaranth: UnusedElaboratable=no
"""Sequencer: the units' latencies are golden's; its states in order; how it knows the end."""

import itertools

import numpy as np
import pytest
from rtl.front.activation_memory import ActivationMemory
from rtl.operations.drain_control import DrainControl

from golden.config import EngineConfig
from golden.format import layout
from golden.timing.schedule import Latencies
from rtl.front.collector import Collector
from rtl.group.column_memory import ColumnMemory
from rtl.operations.drain_unit import DrainUnit
from rtl.pe.pe import commit_latency
from rtl.sequence.sequencer import Sequencer, SequencerState
from tests.rtl.helpers import drive, tiny_config

CONFIGS = [
    tiny_config(
        pes=pes,
        group=group,
        multiplier_stages=multiplier,
        broadcast_stages=broadcast,
        column_depth=512,
    )
    for pes, group, multiplier, broadcast in itertools.product(
        (1, 4, 16, 17, 65, 300), (1, 3, 4), (2, 3, 4), (0, 1, 4)
    )
]


def test_latencies_equal_goldens() -> None:
    """Those of a PE are measured in test_pe, those of broadcasts below."""
    for config in CONFIGS:
        expected = Latencies.of(config)
        assert commit_latency(config) == expected.commit
        # Chosen from over + commit - 1 on, read in the next cycle; an operation comes 2 after over.
        assert expected.result + 2 == expected.commit + DrainUnit.LATENCY
        assert config.status_stages == expected.status
        # What is pushed until the warning has come back as a hold.
        assert config.queue_margin == expected.status + ColumnMemory.LATENCY
    assert ActivationMemory.LATENCY == 1


@pytest.mark.parametrize(("pes", "status"), [(1, 1), (16, 1), (17, 2), (64, 2), (65, 3), (128, 3)])
def test_status_stages(pes: int, status: int) -> None:
    assert tiny_config(pes=pes).status_stages == status
    assert Latencies.of(tiny_config(pes=pes)).status == status


def test_collector_latency_is_the_broadcasts() -> None:
    """The constant and the hardware: a lone element's way through the tree."""
    for groups in (1, 4, 5, 17):
        config = tiny_config(pes=groups, group=1, column_depth=512)
        rows = [{"enable": 1, "pending": 1}, {"elements.0.valid": 1}, *([{}] * 6)]
        seen = drive(Collector(config=config), rows, ["broadcast.valid", "grant"])
        assert [n for n, row in enumerate(seen) if row["grant"]] == [0]
        shown = [n for n, row in enumerate(seen) if row["broadcast.valid"]]
        assert shown == [Latencies.of(config).broadcast]


WATCH = ["state", "idle", "swap", "enable", "layer", "layer_start", "finish", "done", "running"]
SETTINGS = {
    "column_base": "base",
    **{name: f"settings.{name}" for name in ("rows", "bias_base", "shift", "relu")},
}
EMPTY = {"column_base": 0, "bias_base": 32, "rows": 3, "shift": 0, "relu": 0}


def program(config: EngineConfig, *layers: dict[str, int]) -> list[int]:
    last = len(layers) - 1
    return [
        int(layout.pack(layout.descriptor(config), **fields, last=int(number == last)))
        for number, fields in enumerate(layers)
    ]


@pytest.mark.parametrize("pes", [3, 18])
def test_two_layers_and_the_results(pes: int) -> None:
    config = tiny_config(group=3, pes=pes)
    t = Latencies.of(config)
    layers = [
        {"column_base": 5, "bias_base": 37, "rows": 5, "shift": 3, "relu": 1},
        {"column_base": 20, "bias_base": 60, "rows": 2, "shift": 9, "relu": 0},
    ]
    clear = DrainControl.clear_cycles(config)
    flush = DrainUnit.LATENCY - t.status
    rows = [{"taken": 1} for _ in range(clear + 60)]
    rows[clear + 3]["start"] = 1
    first = clear + 4
    rows[first + 9]["over"] = 1
    second = first + 10 + flush
    rows[second + 6]["over"] = 1
    seen = drive(
        Sequencer(config=config, init=program(config, *layers)),
        rows,
        [*WATCH, *SETTINGS.values(), "output"],
    )
    states = [
        (SequencerState(state).name, len(list(cycles)))
        for state, cycles in itertools.groupby(row["state"] for row in seen)
    ]
    # CLEAR ends a cycle after the last sum is zero.
    assert states[:-1] == [
        ("CLEAR", clear + 1),
        ("IDLE", 3),
        *(("RUN", 10), ("FLUSH", flush)),
        *(("RUN", 7), ("FLUSH", flush)),
        ("OUTPUT", t.read + 1),
    ]
    finish = second + 7 + flush
    # The swap: at the start; and with the last activation, so many cycles after its sum was read,
    # which the sequencer hears `status` cycles late.
    over = [first + 9 - t.status, second + 6 - t.status]
    assert _cycles(seen, "swap") == [first - 1, *(cycle + DrainUnit.LATENCY for cycle in over)]
    assert _cycles(seen, "layer_start") == [first, second]
    assert _cycles(seen, "finish") == [finish]
    assert _cycles(seen, "done") == [finish + t.read]
    assert _cycles(seen, "running") == list(range(first, finish))
    for begin, end, number in ((first, second, 0), (second, finish, 1)):
        for row in seen[begin:end]:
            assert row["layer"] == number
            assert {row[name] for name in ("idle", "output", "done")} == {0}
            assert {name: row[shown] for name, shown in SETTINGS.items()} == layers[number]
    granting = (SequencerState.RUN, SequencerState.OUTPUT)
    assert all(row["enable"] == (SequencerState(row["state"]) in granting) for row in seen)


def _cycles(seen: list[dict[str, int]], name: str) -> list[int]:
    return [n for n, row in enumerate(seen) if row[name]]


@pytest.mark.parametrize(("pes", "broadcast"), [(1, 0), (5, 0), (5, 2), (20, 4)])
def test_quiet_comes_as_late_as_a_broadcast(pes: int, broadcast: int) -> None:
    """A step after the last one has moved on; holds stop it as they stop broadcasts."""
    config = tiny_config(pes=pes, group=1, broadcast_stages=broadcast, column_depth=128)
    steps = Latencies.of(config).read
    clear = DrainControl.clear_cycles(config)
    rng = np.random.default_rng(pes + broadcast)
    rows: list[dict[str, int]] = [{} for _ in range(clear + 200)]
    rows[clear + 1]["start"] = 1
    for row in rows:
        row |= {"pending": int(rng.random() < 0.15), "hold": int(rng.random() < 0.3)}
    seen = drive(Sequencer(config=config, init=program(config, EMPTY)), rows, ["quiet"])
    way: list[int] = []  # what left in each step so far
    shown = 0
    for cycle in range(clear + 2, len(rows)):
        expected = int(len(way) >= steps and not way[-steps])
        assert seen[cycle]["quiet"] == expected, cycle
        shown += expected
        if not rows[cycle]["hold"]:
            way.append(rows[cycle]["pending"])
    assert 30 < shown < 190
    assert not any(row["quiet"] for row in seen[: clear + 2])


def test_results_that_are_not_taken_keep_it_from_being_done() -> None:
    config = tiny_config()
    clear = DrainControl.clear_cycles(config)
    init = program(config, {**EMPTY, "column_base": 9}) * 2  # what is behind the last layer
    rows: list[dict[str, int]] = [{} for _ in range(clear + 60)]
    rows[clear + 1]["start"] = 1
    rows[clear + 5]["over"] = 1
    rows[clear + 50]["taken"] = 1
    seen = drive(Sequencer(config=config, init=init), rows, ["done", "idle", "base", "output"])
    assert _cycles(seen, "done") == [clear + 50]
    assert seen[clear + 51]["idle"]
    assert {row["base"] for row in seen if row["output"]} == {0}


def test_results_on_their_way_keep_it_from_being_done() -> None:
    """The port is empty before the first and between two."""
    config = tiny_config()
    clear = DrainControl.clear_cycles(config)
    rows: list[dict[str, int]] = [{"taken": 1} for _ in range(clear + 60)]
    rows[clear + 1]["start"] = 1
    rows[clear + 5]["over"] = 1
    for cycle in range(clear + 6, clear + 40):
        rows[cycle]["pending"] = 1
    seen = drive(Sequencer(config=config, init=program(config, EMPTY)), rows, ["done"])
    assert _cycles(seen, "done") == [clear + 40 + Latencies.of(config).read]


def test_starting_twice_is_asserted() -> None:
    config = tiny_config()
    clear = DrainControl.clear_cycles(config) + 1
    rows = [{}] * clear + [{"start": 1}, {"start": 1}, {}]
    with pytest.raises(AssertionError, match="started while one runs"):
        drive(Sequencer(config=config, init=[]), rows, ["idle"])
    with pytest.raises(AssertionError, match="started while one runs"):
        drive(Sequencer(config=config, init=[]), [{"start": 1}, {}], ["idle"])
