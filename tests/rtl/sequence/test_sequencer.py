# amaranth: UnusedElaboratable=no
"""Sequencer: the units' latencies are golden's; phases, lists, results, resets, loading."""

import itertools
from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from golden.timing.schedule import Latencies
from rtl.front.activation_lists import ActivationLists
from rtl.front.collector import Collector
from rtl.front.delta import DeltaStage
from rtl.group.column_memory import ColumnMemory
from rtl.layouts import begin_layout, phase_layout
from rtl.operations.clearing import clear_cycles as of_sums
from rtl.operations.pipeline import OperationPipeline
from rtl.pe.pe import ProcessingElement
from rtl.sequence.sequencer import Sequencer
from tests.cells import cell_config
from tests.rtl.helpers import drive, tiny_config
from tests.rtl.sequence.sequencing import PULSES, Script, program, random_layers

Row = dict[str, int]
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
    cells = [cell_config(), cell_config(streams=2, entry_stages=2), cell_config(stages="long")]
    long = [tiny_config(pes=20, group=1, stages=stages) for stages in ("long", "elastic")]
    for config in [*CONFIGS, *cells, *long]:
        expected = Latencies.of(config)
        assert ProcessingElement.commit_latency(config) == expected.commit
        # Without cells a sum leaves straight from its memory, else through the adder.
        result = expected.commit + config.stages.drain + (5 if config.cells else 3)
        assert OperationPipeline.result_latency(config) == result
        assert config.status_stages == expected.status
        collector = 1 + config.collector_levels + config.stages.grant
        assert ActivationLists.latency(config) + collector == expected.broadcast
        # What is pushed until the warning has come back as a hold, or to the FIFO.
        if config.stages.fifo:
            assert config.queue_margin == 1 + expected.push
        else:
            assert config.queue_margin == expected.status + expected.push
            assert expected.push == ColumnMemory.LATENCY + config.stages.push


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


ENGINES: list[dict[str, Any]] = [
    {"cells": 0},
    {"cells": 0, "pes": 18, "group": 3, "broadcast_stages": 2, "act_depth": 64},
    {"cells": 0, "pes": 70, "group": 35, "act_depth": 512, "multiplier_stages": 4},
    {},
    {"streams": 2, "broadcast_stages": 1},
    {"streams": 3, "pes": 17, "group": 5, "queue_depth": 8},
    {"pes": 70, "group": 35, "act_depth": 256, "entry_stages": 2, "queue_depth": 8},
    {"pes": 1, "group": 1, "delta": True, "multiplier_stages": 3},
    {"stages": "long", "streams": 2, "broadcast_stages": 1},
    {"pes": 270, "group": 45, "act_depth": 512, "delta": True, "queue_depth": 8},
]
BOTH = pytest.mark.parametrize("changes", [{"cells": 0}, {}], ids=["without cells", "with cells"])


def engine(changes: dict[str, Any]) -> EngineConfig:
    """With cells, unless the changes say 0."""
    if changes.get("cells") == 0:
        return tiny_config(**changes)
    return cell_config(**{"cells": 2, "row_depth": 8, "act_depth": 8, **changes})


def clear_cycles(config: EngineConfig) -> int:
    delta = DeltaStage.clear_cycles(config) if config.delta else 0
    return max(delta, of_sums(config))


def watched(config: EngineConfig) -> list[str]:
    """All that such a sequencer shows."""
    names = [*PULSES, "layer", "quiet", "base", "enable"]
    names += [f"phase.{name}" for name, _ in phase_layout(config)]
    if config.cells:
        names += ["back_base", *(f"lists.{name}" for name, _ in begin_layout(config))]
    return names + (["stream", "odd", "out_stream"] if config.streams > 1 else [])


def cycles(seen: list[Row], name: str) -> list[int]:
    return [n for n, row in enumerate(seen) if row[name]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("changes", ENGINES, ids=str)
def test_steps_one_after_the_other(changes: dict[str, Any], seed: int) -> None:
    config = engine(changes)
    rng = np.random.default_rng([seed, len(str(changes))])
    layers = random_layers(rng, config, 1 + seed)
    script = Script(config=config, layers=layers, rng=rng, clear=clear_cycles(config))
    for answer in (1, 0, 1, 1, 0) if config.cells else (1,) * 5:
        script.step(answer=answer)
    # What is behind the last layer counts for nothing.
    init = program(config, [*layers, *random_layers(rng, config, 1)])
    seen = drive(Sequencer(config=config, init=init), script.rows, watched(config))
    quiet = dict.fromkeys(PULSES, 0)
    for cycle, (row, expected) in enumerate(zip(seen, script.expected, strict=True)):
        expected = {**quiet, **expected}
        assert {name: row[name] for name in expected} == expected, cycle
    assert sum(row["done"] for row in seen) == 5


@BOTH
def test_a_step_that_starts_at_once_after_loading_runs_what_was_loaded(
    changes: dict[str, Any],
) -> None:
    config = engine(changes)
    rng = np.random.default_rng(5)
    (layer,) = random_layers(rng, config, 1)
    clear = clear_cycles(config)
    rows: list[Row] = [{"taken": 1} for _ in range(clear + 20)]
    (word,) = program(config, [layer])
    rows[clear + 6] |= {"write.en": 1, "write.data": word}
    start = clear + 6 + 4
    rows[start]["start"] = 1
    watch = ["idle", "base", *(["lists.source", "back_base"] if config.cells else [])]
    seen = drive(Sequencer(config=config, init=[]), rows, watch)
    assert cycles(seen, "idle") == [*range(clear + 4, clear + 6), start]
    assert {row["base"] for row in seen[start + 1 :]} == {layer["column_base"]}
    if config.cells:
        assert seen[start]["lists.source"] == layer["source"] % (1 << config.list_width)
        assert {row["back_base"] for row in seen[start + 1 :]} == {layer["recurrent_base"]}


def test_with_delta_a_reset_takes_its_cycles() -> None:
    config = engine({"pes": 1, "group": 1, "delta": True})
    clear = clear_cycles(config)
    rows: list[Row] = [{} for _ in range(2 * clear + 12)]
    rows[2]["wants_reset"] = 1  # it is not idle
    rows[clear + 5]["wants_reset"] = 1
    seen = drive(Sequencer(config=config, init=[]), rows, ["idle", "reset"])
    assert cycles(seen, "reset") == [clear + 5]
    idle = [*range(clear + 4, clear + 6), *range(2 * clear + 10, len(rows))]
    assert cycles(seen, "idle") == idle


def empty(config: EngineConfig) -> list[int]:
    """A program of one layer, which is all zero."""
    (layer,) = random_layers(np.random.default_rng(1), config, 1)
    return program(config, [{**dict.fromkeys(layer, 0), "last": 1}])


def test_results_that_are_not_taken_keep_it_from_being_done() -> None:
    config = tiny_config()
    start = clear_cycles(config) + 4
    rows: list[Row] = [{} for _ in range(start + 60)]
    rows[start]["start"] = 1
    # Quiet is known, and the back has the phase.
    rows[start + 8]["over"] = 1
    rows[start + 50]["taken"] = 1
    for row in rows[start + 8 :][:20]:
        row["over"] = 1
    seen = drive(Sequencer(config=config, init=empty(config)), rows, ["done", "output"])
    assert cycles(seen, "done") == [start + 50]
    assert not seen[start + 51]["output"]


def test_results_on_their_way_keep_it_from_being_done() -> None:
    """The port is empty before the first and between two."""
    config = tiny_config()
    start = clear_cycles(config) + 4
    rows: list[Row] = [{"taken": 1} for _ in range(start + 70)]
    rows[start]["start"] = 1
    for row in rows[start + 8 :][:20]:
        row["over"] = 1
    for row in rows[start + 12 : start + 40]:
        row["pending"] = 1
    seen = drive(Sequencer(config=config, init=empty(config)), rows, ["done"])
    assert cycles(seen, "done") == [start + 40 + Latencies.of(config).read]


@BOTH
def test_starting_twice_is_asserted(changes: dict[str, Any]) -> None:
    config = engine(changes)
    idle = clear_cycles(config) + 4
    rows: list[Row] = [{} for _ in range(idle)]
    for begin in ([*rows, {"start": 1}], rows[1:]):
        with pytest.raises(AssertionError, match="started while one runs"):
            drive(Sequencer(config=config, init=[]), [*begin, {"start": 1}, {}], [])
    drive(Sequencer(config=config, init=[]), [*rows, {"start": 1}, {}], [])
