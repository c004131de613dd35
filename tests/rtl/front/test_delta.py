"""Delta stage against a dict of what was sent: thresholds, saturation, plain values, resets."""

import numpy as np
import pytest

from rtl.front.delta import DeltaStage
from tests.cells import cell_config
from tests.rtl.helpers import drive

LEAST, MOST = -(1 << 15), (1 << 15) - 1
WATCH = ["sent", "sent_index", "sent_value"]
LATENCY = 2
Row = dict[str, int]


@pytest.mark.parametrize("depth", [1, 5, 8])
@pytest.mark.parametrize("seed", range(3))
def test_against_what_was_sent_last(seed: int, depth: int) -> None:
    config = cell_config(pes=1, group=1, cells=1, delta=True, act_depth=depth)
    rng = np.random.default_rng(seed)
    known: dict[tuple[int, int], int] = {}
    clear = DeltaStage.clear_cycles(config)
    rows: list[Row] = [{} for _ in range(600 + 2 * clear)]
    expected: dict[int, tuple[int, int]] = {}
    recent: list[tuple[int, int] | None] = []
    values = {"quiet": 0, "large": 0, "plain": 0}
    cycle = 0
    while cycle < 600 + clear:
        if rng.random() < 0.005:  # forget all; what came just before is still sent
            cycle += LATENCY
            rows[cycle]["reset"] = 1
            known.clear()
            cycle += clear
            continue
        place, index = int(rng.integers(0, config.act_lists)), int(rng.integers(0, depth))
        recent = recent[-2:]
        if rng.random() < 0.8 and (place, index) not in recent:
            recent.append((place, index))
            threshold = int(rng.choice([0, 3, 20000, MOST]))
            plain = int(rng.random() < 0.2)
            before = known.get((place, index), 0)
            far = rng.random() < 0.5
            value = int(rng.integers(LEAST, MOST + 1)) if far else before + int(rng.integers(-6, 7))
            value = max(LEAST, min(MOST, value))
            rows[cycle] |= {"write": 1, "index": index, "value": value, "place": place}
            rows[cycle + LATENCY] |= {"threshold": threshold, "plain": plain}
            moved = max(LEAST, min(MOST, value - before))
            values["large"] += moved != value - before
            if plain:
                expected[cycle + LATENCY] = (index, value)
                values["plain"] += 1
            elif abs(moved) > threshold:
                expected[cycle + LATENCY] = (index, moved)
                known[place, index] = before + moved
            else:
                values["quiet"] += 1
        else:
            recent.append(None)
        cycle += 1
    seen = drive(DeltaStage(config=config), rows, WATCH)
    got = {n: (r["sent_index"], r["sent_value"]) for n, r in enumerate(seen) if r["sent"]}
    assert got == expected
    assert min(values.values()) > 5, values


def test_a_reset_forgets_every_word_in_its_cycles() -> None:
    config = cell_config(pes=1, group=1, cells=1, delta=True, act_depth=3)
    words = [(place, index) for place in range(config.act_lists) for index in range(3)]
    write: list[Row] = [{"write": 1, "place": p, "index": i, "value": 7} for p, i in words]
    clear: list[Row] = [{} for _ in range(DeltaStage.clear_cycles(config))]
    rows: list[Row] = [*write, {}, {}, {"reset": 1}, *clear, *write, {}, {}]
    seen = drive(DeltaStage(config=config), rows, WATCH)
    sent = [n for n, row in enumerate(seen) if row["sent"]]
    assert len(sent) == 2 * len(words)
    assert {seen[n]["sent_value"] for n in sent} == {7}
    again: list[Row] = [*write, {}, {}, *write, {}, {}]
    assert sum(row["sent"] for row in drive(DeltaStage(config=config), again, WATCH)) == len(words)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_an_activation_that_comes_again_too_soon_is_asserted(distance: int) -> None:
    config = cell_config(pes=1, group=1, cells=1, delta=True, act_depth=4)
    one: Row = {"write": 1, "place": 2, "index": 3, "value": 7}
    rows: list[Row] = [one, *({} for _ in range(distance - 1)), one, {}, {}]
    if distance < 3:
        with pytest.raises(AssertionError, match=r"comes again too soon|at one address"):
            drive(DeltaStage(config=config), rows, WATCH)
    else:
        drive(DeltaStage(config=config), rows, WATCH)
