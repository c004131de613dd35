"""Steps of drains on their way: each part in its cycle, whatever comes between."""

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.operations.pipeline import OperationPipeline
from tests.maps import map_config
from tests.rtl.helpers import drive
from tests.rtl.operations.test_pipeline import noise, requantised, shown

Row = dict[str, int]
DRAIN = 4
"""Cycles from a PE's result to its activation."""
BASE = 11


def windows(rng: np.random.Generator, config: EngineConfig, size: int, cycles: int) -> list[Row]:
    """Windows of one to four sums, one a cycle; between windows perhaps empty rows, no steps."""
    found: list[Row] = []
    while len(found) < cycles:
        sums = int(rng.integers(1, 5))
        slot, output = int(rng.integers(0, size)), int(rng.integers(0, config.row_depth))
        final = int(rng.random() < 0.2)
        found += [{} for _ in range(int(rng.random() < 0.3))]
        for nth in range(sums):
            last = nth == sums - 1
            found.append({"slot": slot, "cell": output, "unit": int(rng.integers(0, 8))})
            found[-1] |= {"row": int(rng.integers(0, config.row_depth)), "valid": 1}
            found[-1] |= {"opens": int(nth == 0), "closes": int(last), "ends": int(last and final)}
    return found


@pytest.mark.parametrize("relu", [0, 1])
@pytest.mark.parametrize(
    ("group", "size", "entry_stages", "multiplier_stages", "stages"),
    [
        (1, 1, 1, 2, {}),
        (2, 2, 2, 3, {"drain": 1}),
        (4, 3, 1, 4, {"clear": 1}),
        (4, 4, 2, 2, {"drain": 1, "clear": 1}),
    ],
)
def test_windows(
    group: int,
    size: int,
    entry_stages: int,
    multiplier_stages: int,
    stages: dict[str, int],
    relu: int,
) -> None:
    """Each sum gets its unit's bias and is requantised; the largest of a window leaves."""
    config = map_config(
        pes=8,
        group=group,
        row_depth=8,
        act_depth=8 * group,
        entry_stages=entry_stages,
        multiplier_stages=multiplier_stages,
        shift_low=3,
        shift_high=30,
        stages=stages,
    )
    rng = np.random.default_rng(size)
    steps = windows(rng, config, size, 120)
    rows = noise(rng, config, size, len(steps) + 24)
    shift, begin = 20, entry_stages + multiplier_stages - 1
    drain, clear = config.stages.drain, config.stages.clear
    adds: dict[int, int] = {}
    sums: dict[int, int] = {}
    biases: dict[int, tuple[int, ...]] = {}
    outputs: dict[int, tuple[int, ...]] = {}
    ends: list[int] = []
    window: list[int] = []
    for cycle, row in enumerate(rows):
        row |= {"phase.bias_base": BASE, "phase.shift": shift - 3, "phase.relu": relu}
        one = steps[cycle] if cycle < len(steps) else {}
        row |= {f"operation.{name}": value for name, value in one.items()}
        if not one:
            continue
        adds[cycle + begin - clear] = 1 << one["slot"]
        sums[cycle + begin - clear] = one["row"]
        biases[cycle + begin] = (BASE + one["unit"] * group + one["slot"],)
        bias = rows[cycle + begin + 1 + drain]["bias"]
        total = rows[cycle + begin + 1][f"results.{one['slot']}"] + bias
        value = requantised(total, shift, config.act_width)
        window = [*([] if one["opens"] else window), max(0, value) if relu else value]
        late = cycle + begin + 1 + DRAIN + drain
        if one["closes"]:
            outputs[late] = (one["cell"] * group + one["slot"], max(window))
        if one["ends"]:
            ends.append(late + 1)
    watch = ["to_add", "totals.row", "bias_read", "bias_address"]
    watch += ["output", "index", "activation", "close"]
    seen = drive(OperationPipeline(config=config, size=size), rows, watch)
    assert {n: row["to_add"] for n, row in enumerate(seen) if row["to_add"]} == adds
    assert {n: seen[n]["totals.row"] for n in sums} == sums
    assert shown(seen, "bias_read", "bias_address") == biases
    assert shown(seen, "output", "index", "activation") == outputs
    assert [n for n, row in enumerate(seen) if row["close"]] == ends
    assert len(outputs) > 30


def test_a_wipe_reaches_all_pes_and_nothing_else() -> None:
    config = map_config(row_depth=16, group=4)
    rows = [{"wipe": 1, "operation.row": n} if n < 16 else {} for n in range(30)]
    seen = drive(
        OperationPipeline(config=config, size=3), rows, ["to_add", "totals.row", "output", "close"]
    )
    begin = config.entry_stages + config.multiplier_stages - 1
    assert {n: row["totals.row"] for n, row in enumerate(seen) if row["to_add"]} == {
        begin + n: n for n in range(16)
    }
    assert {row["to_add"] for row in seen} == {0, 7}
    assert not any(row["output"] or row["close"] for row in seen)
