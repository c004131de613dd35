"""Boards: every base is a legal engine; what does not fit its board is refused."""

import re

import pytest

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.memories import block_rams, memories, sprams
from golden.kinds import EntryMemory, MacKind
from golden.presets import PRESETS, check_fits, find


@pytest.mark.parametrize("board", PRESETS)
def test_every_base_is_valid(board: str) -> None:
    preset = find(board)
    assert preset.board == board
    assert preset.base == EngineConfig.from_dict(preset.base.to_dict())
    assert preset.clock_mhz > 0
    # Depths are the compiler's to set; with small ones the base must leave room.
    small = preset.base.replace(entry_depth=256, row_depth=8, column_depth=64, bias_depth=64)
    check_fits(small, preset, what="the base")


def test_an_unknown_board_lists_the_others() -> None:
    text = f"no board 'spartan'; there are {', '.join(PRESETS)}"
    with pytest.raises(ElsieError, match=re.escape(text)):
        find("spartan")


@pytest.mark.parametrize("board", PRESETS)
def test_too_large_names_total_parts_and_the_way_out(board: str) -> None:
    preset = find(board)
    config = preset.base.replace(entry_depth=1 << 18)
    need = block_rams(config, preset.family)
    with pytest.raises(ElsieError) as caught:
        check_fits(config, preset, what="network n")
    message = str(caught.value)
    assert message.startswith(f"network n is too large for board {board}: ")
    assert f"it needs {sum(need.values())} block RAMs" in message
    assert f"{preset.device} has {preset.block_rams}" in message
    for name, count in need.items():
        assert f"{name} {count}" in message
    assert "larger board" in message


@pytest.mark.parametrize("board", PRESETS)
def test_the_limit_is_exact(board: str) -> None:
    """The deepest entry memory that fits takes no more than the board has; one step more does."""
    preset = find(board)
    total = 0
    for depth in range(256, 1 << 18, 256):
        config = preset.base.replace(entry_depth=depth)
        total = sum(block_rams(config, preset.family).values())
        if total > preset.block_rams:
            with pytest.raises(ElsieError):
                check_fits(config, preset, what="n")
            break
        check_fits(config, preset, what="n")
    assert total > preset.block_rams


@pytest.mark.parametrize(
    ("family", "depth", "width", "expected"),
    [
        ("ice40", 256, 16, 1),
        ("ice40", 257, 16, 2),
        ("ice40", 256, 17, 2),
        ("ice40", 512, 8, 1),
        ("ice40", 2048, 2, 1),
        ("ice40", 1024, 9, 3),
        ("ecp5", 512, 36, 1),
        ("ecp5", 1024, 18, 1),
        ("ecp5", 1025, 18, 2),
        ("ecp5", 2048, 9, 1),
        ("ecp5", 16384, 1, 1),
        ("ecp5", 513, 36, 2),
    ],
)
def test_shapes_of_a_block_ram(
    family: str, depth: int, width: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"one": (1, depth, width), "three": (3, depth, width)}
    monkeypatch.setattr("golden.format.memories.memories", lambda config: table)
    need = block_rams(EngineConfig(), family)
    assert need == {"one": expected, "three": 3 * expected}


def test_only_codebook_engines_have_codebooks() -> None:
    assert "codebook" in memories(EngineConfig())
    assert "codebook" not in memories(EngineConfig(mac=MacKind.LOG))


def test_column_memory_is_shared_by_a_group_and_holds_its_biases() -> None:
    config = EngineConfig(pes=6, group=4, column_depth=300, bias_depth=20, entry_depth=512)
    assert memories(config)["column"] == (2, 320, 4 * (9 + 6))
    assert memories(config.replace(pes=1, group=1))["column"] == (1, 320, 32), "a bias is wider"


def spram(pes: int, group: int = 2) -> EngineConfig:
    return EngineConfig(
        pes=pes,
        group=group,
        act_width=8,
        run_width=4,
        acc_width=24,
        entry_depth=1 << 14,
        entry_memory=EntryMemory.SPRAM,
        row_depth=8,
        column_depth=100,
        bias_depth=28,
    )


@pytest.mark.parametrize(
    ("pes", "group", "needed"), [(1, 2, 1), (2, 2, 1), (3, 2, 2), (8, 4, 4), (8, 2, 4), (9, 6, 5)]
)
def test_two_pes_of_a_group_share_an_spram(pes: int, group: int, needed: int) -> None:
    assert sprams(spram(pes, group)) == needed
    assert sprams(EngineConfig(pes=pes, group=group, act_depth=1024)) == 0


def test_entries_in_spram_take_no_block_ram() -> None:
    config = spram(8)
    need = block_rams(config, "ice40")
    assert list(need) == ["column", "accumulator", "activation"]
    assert "entry" in block_rams(config.replace(entry_memory="block"), "ice40")
    assert memories(config)["entry"] == (8, 1 << 13, 16)


def test_spram_is_refused_where_there_is_none_or_too_little() -> None:
    check_fits(spram(8, 8), find("icebreaker"), what="network n")
    text = (
        "network n is too large for board icebreaker: its 9 PEs need 5 SPRAMs, one for two of a "
        "group, and iCE40UP5K has 4; use fewer PEs"
    )
    with pytest.raises(ElsieError, match=re.escape(text)):
        check_fits(spram(9, 10), find("icebreaker"), what="network n")
    for board in set(PRESETS) - {"icebreaker"}:
        assert find(board).sprams == 0
        text = f"board {board} has none; use entry_memory block"
        with pytest.raises(ElsieError, match=text):
            check_fits(spram(2), find(board), what="network n")
    with pytest.raises(ElsieError, match=r"it needs \d+ block RAMs \(column"):
        check_fits(spram(2).replace(column_depth=8192), find("icebreaker"), what="network n")
