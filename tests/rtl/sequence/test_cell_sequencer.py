"""Sequencer with cells: phases of several streams, front and back, lists, resets, loading."""

from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.front.delta import DeltaStage
from rtl.layouts import begin_layout, phase_layout
from rtl.operations.cell_control import CellControl
from rtl.operations.cell_pipeline import CellPipeline
from rtl.sequence.cell_sequencer import CellSequencer
from tests.cells import cell_config
from tests.rtl.helpers import drive
from tests.rtl.sequence.cell_sequencing import PULSES, Script, program, random_layers

ENGINES: list[dict[str, Any]] = [
    {},
    {"streams": 2, "broadcast_stages": 1},
    {"streams": 3, "pes": 17, "group": 5, "queue_depth": 8},
    {"pes": 70, "group": 35, "act_depth": 256, "entry_stages": 2, "queue_depth": 8},
    {"pes": 1, "group": 1, "delta": True, "multiplier_stages": 3},
    {"pes": 270, "group": 45, "act_depth": 512, "delta": True, "queue_depth": 8},
]


def clear_cycles(config: EngineConfig) -> int:
    delta = DeltaStage.clear_cycles(config) if config.delta else 0
    return max(delta, CellControl.clear_cycles(config))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("changes", ENGINES, ids=str)
def test_steps_one_after_the_other(changes: dict[str, Any], seed: int) -> None:
    config = cell_config(**{"cells": 2, "row_depth": 8, "act_depth": 8, **changes})
    rng = np.random.default_rng([seed, len(str(changes))])
    layers = random_layers(rng, config, 1 + seed)
    script = Script(config=config, layers=layers, rng=rng, clear=clear_cycles(config))
    assert CellPipeline.result_latency(config) == script.t.result
    for answer in (1, 0, 1, 1, 0):
        script.step(answer=answer)
    watch = [*PULSES, "layer", "stream", "quiet", "odd", "base", "back_base", "out_stream"]
    watch += ["enable", *(f"lists.{name}" for name, _ in begin_layout(config))]
    watch += [f"phase.{name}" for name, _ in phase_layout(config)]
    seen = drive(CellSequencer(config=config, init=program(config, layers)), script.rows, watch)
    quiet = dict.fromkeys(PULSES, 0)
    for cycle, (row, expected) in enumerate(zip(seen, script.expected, strict=True)):
        expected = {**quiet, **expected}
        assert {name: row[name] for name in expected} == expected, cycle
    assert sum(row["done"] for row in seen) == 5


def test_a_step_that_starts_at_once_after_loading_runs_what_was_loaded() -> None:
    config = cell_config(cells=2, row_depth=8, act_depth=8)
    rng = np.random.default_rng(5)
    (layer,) = random_layers(rng, config, 1)
    clear = clear_cycles(config)
    rows: list[dict[str, int]] = [{"taken": 1} for _ in range(clear + 20)]
    (word,) = program(config, [layer])
    rows[clear + 6] |= {"write.en": 1, "write.data": word}
    start = clear + 6 + 4
    rows[start]["start"] = 1
    watch = ["idle", "lists.source", "base", "back_base"]
    seen = drive(CellSequencer(config=config, init=[]), rows, watch)
    idle = [n for n, row in enumerate(seen) if row["idle"]]
    assert idle == [*range(clear + 4, clear + 6), start]
    assert seen[start]["lists.source"] == layer["source"] % (1 << config.list_width)
    shown = {(row["base"], row["back_base"]) for row in seen[start + 1 :]}
    assert shown == {(layer["column_base"], layer["recurrent_base"])}


def test_with_delta_a_reset_takes_its_cycles() -> None:
    config = cell_config(pes=1, group=1, cells=2, row_depth=8, act_depth=8, delta=True)
    clear = clear_cycles(config)
    rows: list[dict[str, int]] = [{} for _ in range(2 * clear + 12)]
    rows[2]["wants_reset"] = 1  # it is not idle
    rows[clear + 5]["wants_reset"] = 1
    seen = drive(CellSequencer(config=config, init=[]), rows, ["idle", "reset"])
    assert [n for n, row in enumerate(seen) if row["reset"]] == [clear + 5]
    idle = [n for n, row in enumerate(seen) if row["idle"]]
    assert idle == [*range(clear + 4, clear + 6), *range(2 * clear + 10, len(rows))]


def test_starting_twice_is_asserted() -> None:
    config = cell_config()
    idle = clear_cycles(config) + 4
    rows = [{} for _ in range(idle)]
    with pytest.raises(AssertionError, match="started while one runs"):
        drive(CellSequencer(config=config, init=[]), [*rows, {"start": 1}, {"start": 1}, {}], [])
    with pytest.raises(AssertionError, match="started while one runs"):
        drive(CellSequencer(config=config, init=[]), [*rows[1:], {"start": 1}, {}], [])
