"""Drains: when they begin, the sums that they take in their order, and the wipe after a reset."""

import itertools
from typing import Any

import numpy as np
import pytest

from golden.config import EngineConfig
from rtl.maps.control import DrainControl
from rtl.operations.clearing import clear_cycles
from tests.maps import map_config
from tests.rtl.helpers import drive

Row = dict[str, int]
STEP = ("slot", "row", "unit", "cell", "opens", "closes", "ends")
WATCH = [*(f"operation.{name}" for name in ("valid", *STEP)), "drained", "over", "wipe"]


def steps(config: EngineConfig, size: int, layer: Row, drain: int) -> list[Row]:
    """A drain's steps in docs/convolution.md's words: by i and r, by PE, by row, by column."""
    units, found = 1 << layer["unit_bits"], []
    windows = [*itertools.product(range(layer["pool_rows"] + 1), range(layer["pool_columns"] + 1))]
    for output, slot in itertools.product(range(layer["outputs"] + 1), range(size)):
        i, r = (0, output) if layer["flat"] else divmod(output, units)
        for dy, dx in windows:
            row = drain * (layer["pool_rows"] + 1) + dy
            column = i * (layer["pool_columns"] + 1) + dx
            address = (column * units + r) * config.maps.rows + row % config.maps.rows
            place = (dy, dx)
            found.append(
                {
                    **{"slot": slot, "cell": output, "unit": r},
                    "row": output if layer["flat"] else address,
                    "opens": int(place == windows[0]),
                    "closes": int(place == windows[-1]),
                    "ends": 0,
                }
            )
    found[-1]["ends"] = 1
    return found


def random_layer(rng: np.random.Generator, config: EngineConfig) -> tuple[Row, int]:
    """A layer's word, and how often it drains."""
    if rng.random() < 0.25:
        flat = {"flat": 1, "unit_bits": 2, "outputs": int(rng.integers(0, 7)), "height": 0}
        return {**flat, "pool_rows": 0, "pool_columns": 0}, 1
    deep, wide = (int(n) for n in rng.integers(1, 4, 2))
    bits, columns, drains = (int(n) for n in rng.integers([0, 1, 1], [3, 3, 5]))
    layer = {"flat": 0, "unit_bits": bits, "outputs": (columns << bits) - 1}
    layer |= {"pool_rows": deep - 1, "pool_columns": wide - 1, "height": drains * deep - 1}
    assert (columns * wide << bits) * config.maps.rows <= config.row_depth
    return layer, drains


class Pes:
    """Output rows that each PE has ended, all since the layer began."""

    def __init__(self, rng: np.random.Generator, size: int, most: int) -> None:
        self.rng, self.most = rng, most
        self.ended = [0] * size

    def cycle(self, room: int) -> None:
        """Perhaps some end another one, no more than `room` behind what is drained."""
        for number, count in enumerate(self.ended):
            if count < min(self.most, room) and self.rng.random() < 0.15:
                self.ended[number] += 1


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("group", "size"), [(1, 1), (2, 2), (4, 3)])
def test_layer_after_layer(group: int, size: int, seed: int) -> None:
    """A drain begins two cycles after the last PE has ended its rows, and not in one before."""
    maps = {"rows": 4, "height": 16}
    config = map_config(pes=group + size, group=group, maps=maps, row_depth=128)
    rng = np.random.default_rng(seed)
    rows: list[Row] = [{}] * (clear_cycles(config) + 2)
    expected: list[Row] = [{}] * len(rows)
    for _ in range(5):
        layer, drains = random_layer(rng, config)
        steady = {f"phase.{name}": value for name, value in layer.items()}
        rows.append({**steady, "begin": 1})
        expected.append({"operation.valid": 0})
        _layer(rng, (rows, expected), (config, size), (layer, drains), steady)
    seen = drive(DrainControl(config=config, size=size), rows, WATCH)
    for cycle, (row, wanted) in enumerate(zip(seen, expected, strict=True)):
        assert {name: row[name] for name in wanted} == wanted, cycle


def _layer(
    rng: np.random.Generator,
    script: tuple[list[Row], list[Row]],
    engine: tuple[EngineConfig, int],
    what: tuple[Row, int],
    steady: Row,
) -> None:
    """All drains of a layer, and some cycles more."""
    (rows, expected), (config, size), (layer, drains) = script, engine, what
    pool = layer["pool_rows"] + 1
    pes, running, done, drained = Pes(rng, size, drains * pool), [], 0, [0, 0]
    known = [min(pes.ended)] * 2  # two cycles ago, one cycle ago
    idle = 0
    while idle < 6:
        if not running and done < drains and known[0] >= (done + 1) * pool and not drained[0]:
            running = steps(config, size, layer, done)
        given = {f"ended.{pe}": ended - drained[1] * pool for pe, ended in enumerate(pes.ended)}
        rows.append({**steady, **given})
        shown = {"operation.valid": int(bool(running)), "over": int(done == drains)}
        shown["drained"] = drained[0]
        drained = [0, drained[1] + drained[0]]
        if running:
            one = running.pop(0)
            shown |= {f"operation.{name}": value for name, value in one.items()}
            drained[0], done = one["ends"], done + one["ends"]
        expected.append(shown)
        known = [known[1], min(pes.ended)]
        pes.cycle(drained[1] * pool + config.maps.rows - 1)
        idle += done == drains


@pytest.mark.parametrize(
    "changes", [{"row_depth": 4}, {"row_depth": 24, "entry_stages": 2, "multiplier_stages": 4}]
)
def test_a_reset_clears_every_sum_once(changes: dict[str, Any]) -> None:
    """After what was on its way in a PE, and before the first input may come."""
    config = map_config(maps={"rows": 4}, **changes)
    clear = clear_cycles(config)
    seen = drive(DrainControl(config=config, size=2), [{}] * (2 * clear), WATCH)
    wiped = {n: row["operation.row"] for n, row in enumerate(seen) if row["wipe"]}
    assert [*wiped.values()] == [*range(config.row_depth)]
    assert min(wiped) >= config.entry_stages + config.multiplier_stages + 2
    assert max(wiped) < clear
    assert not any(row["operation.valid"] for row in seen)
