# amaranth: UnusedElaboratable=no
"""Sequencer: its latencies are golden's; its drain steps; its states in order."""

import itertools

import pytest

from golden import layout
from golden.timing import DRAIN_LATENCY, Latencies
from rtl.activation_memory import ActivationMemory
from rtl.collector import Collector
from rtl.drain_unit import DrainUnit
from rtl.pe import commit_latency
from rtl.pointer_reader import PointerReader
from rtl.sequencer import Sequencer, SequencerState
from tests.rtl.helpers import drive, tiny_config

CONFIGS = [
    tiny_config(
        pes=pes,
        group=group,
        multiplier_stages=multiplier,
        broadcast_stages=broadcast,
        column_depth=512,
        queue_depth=32,
    )
    for pes, group, multiplier, broadcast in itertools.product(
        (1, 4, 16, 17, 65, 300), (1, 3, 4), (1, 2, 4), (0, 1, 4)
    )
]


def test_latencies_equal_goldens() -> None:
    for config in CONFIGS:
        expected = Latencies.of(config)
        assert Sequencer.settle(config) == expected.settle
        assert Sequencer.drain_wait(config) == expected.drain_wait
        assert commit_latency(config) == expected.commit
        assert config.status_stages == expected.status
        push = expected.broadcast + config.broadcast_stages + PointerReader.LATENCY
        assert push == expected.push
        # The margin: what is granted until the warning has come back, plus the warning's register.
        assert config.queue_margin == expected.push + expected.status
    assert DrainUnit.LATENCY == DRAIN_LATENCY
    assert ActivationMemory.LATENCY == 1


@pytest.mark.parametrize(("pes", "status"), [(1, 1), (16, 1), (17, 2), (64, 2)])
def test_status_stages(pes: int, status: int) -> None:
    assert tiny_config(pes=pes).status_stages == status
    assert Latencies.of(tiny_config(pes=pes)).status == status


def test_collector_latency_is_the_broadcasts() -> None:
    """The constant and the hardware: a lone element's way through the tree."""
    for groups in (1, 4, 5, 17):
        config = tiny_config(pes=groups, group=1, column_depth=512)
        rows = [{"enable": 1, "pending": 1}, {"elements.0.valid": 1}, *([{}] * 6)]
        seen = drive(Collector(config=config), rows, ["broadcast.valid", "granted"])
        assert [n for n, row in enumerate(seen) if row["granted"]] == [0]
        shown = [n for n, row in enumerate(seen) if row["broadcast.valid"]]
        assert shown == [Latencies.of(config).broadcast]


WATCH = ["state", "idle", "swap", "layer", "layer_start", "finish", "done", "running", "computing"]
STEP = ["step.valid", "step.row", "step.slot", "step.index", "step.bias", "step.discard"]


def program(config, *layers: dict[str, int]) -> list[int]:
    last = len(layers) - 1
    return [
        int(layout.pack(layout.descriptor(config), **fields, last=int(number == last)))
        for number, fields in enumerate(layers)
    ]


def test_two_layers_with_nothing_to_broadcast() -> None:
    config = tiny_config(group=3, pes=3, multiplier_stages=2)
    layers = [
        {"column_base": 5, "bias_base": 7, "steps": 5, "shift": 3, "relu": 1},
        {"column_base": 20, "bias_base": 30, "steps": 2, "shift": 9, "relu": 0},
    ]
    clear = config.row_depth * config.group
    dut = Sequencer(config=config, init=program(config, *layers))
    rows = [{"taken": 1} for _ in range(clear + 60)]
    rows[clear + 2]["start"] = 1
    shown = [*WATCH, *STEP, "base", "settings.shift", "settings.relu", "output"]
    seen = drive(dut, rows, shown)
    states = [
        (SequencerState(state).name, len(list(cycles)))
        for state, cycles in itertools.groupby(row["state"] for row in seen)
    ]
    wait = Latencies.of(config).drain_wait
    assert wait == 3
    layer = [("RUN", 1), ("WAIT", wait)]
    assert states[:-1] == [
        ("CLEAR", clear),
        ("IDLE", 3),
        *(*layer, ("DRAIN", 6), ("FLUSH", DRAIN_LATENCY)),
        *(*layer, ("DRAIN", 3), ("FLUSH", DRAIN_LATENCY)),
        ("OUTPUT", 1),
    ]
    steps = [row for row in seen if row["step.valid"]]
    cleared, first, second = steps[:clear], steps[clear : clear + 6], steps[clear + 6 :]
    assert all(row["step.discard"] for row in cleared)
    every = [(n // 3, n % 3) for n in range(clear)]
    assert [(row["step.row"], row["step.slot"]) for row in cleared] == every
    for part, fields in ((first, layers[0]), (second, layers[1])):
        assert [tuple(row[name] for name in STEP[1:]) for row in part] == [
            (n // 3, n % 3, n, fields["bias_base"] + n, 0) for n in range(fields["steps"] + 1)
        ]
        for row in part:
            assert (row["base"], row["settings.shift"], row["settings.relu"]) == (
                fields["column_base"],
                fields["shift"],
                fields["relu"],
            )
    begins = [(n, row["layer"]) for n, row in enumerate(seen) if row["layer_start"]]
    assert [number for _, number in begins] == [0, 1]
    assert begins[0][0] == clear + 3
    finish = [n for n, row in enumerate(seen) if row["finish"]]
    assert [n for n, row in enumerate(seen) if row["done"]] == finish
    assert sum(row["swap"] for row in seen) == 3
    assert sum(row["running"] for row in seen) == finish[0] - begins[0][0]


@pytest.mark.parametrize("signal", ["pending", "busy", "granted"])
def test_a_layer_is_not_drained_before_all_is_quiet(signal: str) -> None:
    config = tiny_config()
    clear = config.row_depth * config.group
    init = program(config, {"column_base": 0, "bias_base": 0, "steps": 3, "shift": 0, "relu": 0})
    rows: list[dict[str, int]] = [{"taken": 1} for _ in range(clear + 60)]
    rows[clear + 1]["start"] = 1
    for cycle in range(clear + 2, clear + 12):
        # Whatever is granted was pending.
        rows[cycle] |= {signal: 1, "pending": int(signal != "busy")}
    seen = drive(Sequencer(config=config, init=init), rows, ["computing", "step.valid"])
    left = 1 + max(n for n, row in enumerate(seen) if row["computing"])
    # A grant takes `settle` cycles to show; what is pending or busy shows at once.
    quiet = clear + 12 + (Sequencer.settle(config) if signal == "granted" else 0)
    assert left == quiet + 1
    drained = [n for n, row in enumerate(seen) if row["step.valid"] and n > clear]
    assert drained[0] == left + Sequencer.drain_wait(config)


def test_results_that_are_not_taken_keep_it_from_being_done() -> None:
    config = tiny_config()
    clear = config.row_depth * config.group
    init = program(config, {"column_base": 9, "bias_base": 0, "steps": 0, "shift": 0, "relu": 0})
    rows: list[dict[str, int]] = [{} for _ in range(clear + 60)]
    rows[clear + 1]["start"] = 1
    rows[clear + 50]["taken"] = 1
    seen = drive(Sequencer(config=config, init=init), rows, ["done", "idle", "base", "output"])
    assert [n for n, row in enumerate(seen) if row["done"]] == [clear + 50]
    assert seen[clear + 51]["idle"]
    assert {row["base"] for row in seen if row["output"]} == {0}


def test_starting_twice_is_asserted() -> None:
    config = tiny_config()
    clear = config.row_depth * config.group
    rows = [{}] * clear + [{"start": 1}, {"start": 1}, {}]
    with pytest.raises(AssertionError, match="started while one runs"):
        drive(Sequencer(config=config, init=[]), rows, ["idle"])
    with pytest.raises(AssertionError, match="started while one runs"):
        drive(Sequencer(config=config, init=[]), [{"start": 1}, {}], ["idle"])
