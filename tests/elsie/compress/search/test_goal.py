"""Budgets as users write them, and what a board's memory has for a network."""

import re

import numpy as np
import pytest

from boards.registry import find
from elsie.compress.search.goal import Budget, Goal, budget_of, goal_of, room
from golden.errors import ArgumentError
from golden.format.memories import MemoryMap
from golden.kinds import EntryMemory

PRESET = find("icebreaker").preset


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("30kbit", 30_000),
        ("30 kbit", 30_000),
        ("500bit", 500),
        ("1.5Mbit", 1_500_000),
        ("4KiB", 32_768),
        ("4kB", 32_000),
        ("4KB", 32_000),
        ("2Kibit", 2_048),
        (".5kB", 4_000),
        (30_000, 30_000),
        (np.int64(7), 7),
    ],
)
def test_sizes(text: str | int, bits: int) -> None:
    assert budget_of(text, None) == Budget(bits=bits)


@pytest.mark.parametrize(
    "text", ["30", "kbit", "30kb", "-3kbit", "0kbit", "1e3bit", "", "nan", "0.1bit", "3 %%", True]
)
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ArgumentError, match=r"budget must be a size above 0 with its unit.*30kbit"):
        budget_of(text, PRESET)


def test_a_share_is_of_a_board() -> None:
    assert budget_of("80%", PRESET) == Budget(share=0.8, preset=PRESET)
    with pytest.raises(ArgumentError, match="a share needs board, whose memory it is of"):
        budget_of("80%", None)
    with pytest.raises(ArgumentError, match="a board has no more than 100 %"):
        budget_of("101%", PRESET)


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f"])
def test_room_is_what_the_engine_leaves(board: str) -> None:
    preset = find(board).preset
    config = preset.base.replace(row_depth=64, act_depth=256)
    need = MemoryMap.of(config).block_rams(preset.block_ram)
    own = need["accumulator"] + need["activation"]
    each = {"icebreaker": 4096, "ulx3s-85f": 18 * 1024}[board]
    assert room(config, preset) == (preset.block_rams - preset.link_rams - own) * each
    half = Budget(share=0.5, preset=preset)
    assert half.limit(config) == room(config, preset) / 2
    assert Goal(budget=half).limit(config) == half.limit(config)
    assert Goal().limit(config) == float("inf")


def test_entries_in_spram_have_theirs() -> None:
    block = PRESET.base.replace(row_depth=32, act_depth=64)
    spram = block.replace(entry_memory=EntryMemory.SPRAM, run_width=4)
    assert room(spram, PRESET) - room(block, PRESET) == 2 * (256 << 10)


def goal(**given: object) -> Goal | None:
    every = {"budget": None, "max_drop": None, "density": None, "weights": None, "preset": None}
    return goal_of(**{**every, **given})  # pyright: ignore[reportArgumentType]


def test_what_asks_for_a_search() -> None:
    budget = Budget(bits=1000)
    assert goal(budget="1kbit") == goal(budget="1kbit", density="auto") == Goal(budget=budget)
    assert goal(density="auto", max_drop=1.0, weights="auto") == Goal(max_drop=1.0)
    assert goal(budget="1kbit", neurons="auto", rank=8) == Goal(budget=budget)
    assert goal(budget="1kbit", max_drop=0.0) == Goal(budget=budget, max_drop=0.0)


def test_old_command_lines_mean_what_they_meant() -> None:
    assert goal() is None
    assert goal(max_drop=1.0) is None
    assert goal(max_drop=1.0, density=0.1) is None
    assert goal(density={"fc1": 0.1}, weights="log") is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"density": "auto"}, "density auto needs a goal: budget, such as 30kbit, or max_drop"),
        ({"density": "some"}, "density must be numbers or auto, not 'some'"),
        ({"budget": "1kbit", "density": 0.1}, "leave out density, or give auto"),
        ({"weights": "auto"}, "weights auto is for a search: give budget, or density auto with"),
        ({"neurons": "auto"}, "neurons auto is for a search: give budget, or density auto with"),
        ({"rank": "auto", "density": 0.1}, "rank auto is for a search: give budget, or density"),
        ({"rank": "some", "budget": "1kbit"}, "rank must be numbers or auto, not 'some'"),
        ({"weights": "auto", "density": 0.1, "max_drop": 1.0}, "weights auto is for a search"),
    ],
)
def test_what_makes_no_goal_is_refused(given: dict[str, object], text: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(text)):
        goal(**given)
