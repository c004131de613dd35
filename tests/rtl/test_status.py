"""Status: both answers in their cycle, whatever came before; one PE to several hundred."""

import random
from typing import Any

import pytest

from golden.config import EngineConfig
from rtl.status import Status
from tests.rtl.helpers import clocked, drive, tiny_config

CYCLES = 60
CONFIGS: list[dict[str, Any]] = [
    {"pes": 1, "group": 1},
    {"pes": 16},
    {"pes": 17},
    {"pes": 64, "group": 1},
    {"pes": 65},
    {"pes": 4, "stages": {"fifo": 40}},
    {"pes": 68, "stages": {"fifo": 40}},
]


def latencies(config: EngineConfig) -> tuple[int, int, int]:
    """Cycles from `near_full`, from `unready` and from `finished`, counted by hand."""
    if config.stages.fifo:
        tree = {4: 1, 68: 3}[config.pes]  # 17 groups: 5, 2, 1
        return tree, 1, tree
    full = {1: 0, 16: 0, 17: 1, 64: 1, 65: 2}[config.pes]
    return full, int(full == 2), full


def stimuli(groups: int) -> list[dict[str, int]]:
    """Few groups are full and few are not over, so that each of them decides at times."""
    rng = random.Random(groups)
    rows = []
    for _ in range(CYCLES):
        full = 1 << rng.randrange(groups) if rng.random() < 0.4 else 0
        late = 1 << rng.randrange(groups) if rng.random() < 0.4 else 0
        rows.append(
            {
                "near_full": full,
                "finished": ((1 << groups) - 1) ^ late,
                "unready": int(rng.random() < 0.2),
                "end": int(rng.random() < 0.1),
            }
        )
    return rows


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_all_answers_in_their_cycle(changes: dict[str, Any]) -> None:
    config = tiny_config(queue_depth=64, **changes)
    rows, all_over = stimuli(config.groups), (1 << config.groups) - 1
    full, unready, over = latencies(config)
    assert over == config.over_stages
    own = [] if config.stages.fifo else ["holds"]
    seen = drive(clocked(Status(config=config)), rows, ["hold", "over", *own])
    for cycle in range(4, CYCLES):
        hold = rows[cycle - full]["near_full"] or rows[cycle - unready]["unready"]
        assert seen[cycle]["hold"] == bool(hold), cycle
        ended = any(row["end"] for row in rows[cycle - over : cycle])
        finished = rows[cycle - over]["finished"] == all_over
        assert seen[cycle]["over"] == (finished and not ended), cycle
        if own:
            assert seen[cycle]["holds"] == (all_over if hold else 0), cycle
    assert {row["hold"] for row in seen} == {row["over"] for row in seen} == {0, 1}


def test_a_group_that_decides_is_any_of_them() -> None:
    """One that is full holds all, and one that has not finished keeps all from being over."""
    config = tiny_config(pes=10, group=2)
    every = (1 << config.groups) - 1
    rows = [{"near_full": 1 << g, "finished": every ^ 1 << g} for g in range(config.groups)]
    rows += [{"finished": every}]
    seen = drive(clocked(Status(config=config)), rows, ["hold", "holds", "over"])
    assert seen[:-1] == [{"hold": 1, "holds": every, "over": 0}] * config.groups
    assert seen[-1] == {"hold": 0, "holds": 0, "over": 1}
