"""Boards: every base is a legal engine; what does not fit its board is refused."""

import dataclasses
import re

import pytest

from boards.families.registry import FAMILIES
from boards.registry import BOARDS
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.memories import Memory, MemoryMap, Owner, Store, sprams
from golden.kinds import EntryMemory, MacKind
from golden.presets import check_fits
from tests.cells import cell_config


def shape(config: EngineConfig, name: str) -> tuple[int, int, int]:
    memory = MemoryMap.of(config)[name]
    return memory.copies, memory.depth, memory.width


@pytest.mark.parametrize("board", BOARDS)
def test_every_base_is_valid(board: str) -> None:
    preset = BOARDS[board].preset
    assert preset.board == board
    assert preset.base == EngineConfig.from_dict(preset.base.to_dict())
    assert preset.clock_mhz > 0
    # Depths are the compiler's to set; with small ones the base must leave room.
    small = preset.base.replace(entry_depth=256, row_depth=8, column_depth=64, bias_depth=64)
    check_fits(small, preset, what="the base")


@pytest.mark.parametrize("board", BOARDS)
def test_too_large_names_total_parts_and_the_way_out(board: str) -> None:
    preset = BOARDS[board].preset
    config = preset.base.replace(entry_depth=1 << 18)
    need = MemoryMap.of(config).block_rams(preset.block_ram)
    with pytest.raises(ElsieError) as caught:
        check_fits(config, preset, what="network n")
    message = str(caught.value)
    assert message.startswith(f"network n is too large for board {board}: ")
    assert f"it needs {sum(need.values()) + preset.link_rams} block RAMs" in message
    assert f"{preset.device} has {preset.block_rams}" in message
    for name, count in need.items():
        assert f"{name} {count}" in message
    assert f"host link {preset.link_rams}" in message
    assert "use fewer --pes" in message


@pytest.mark.parametrize("board", BOARDS)
def test_the_limit_is_exact(board: str) -> None:
    """The deepest entry memory that fits takes no more than the board has; one step more does."""
    preset = BOARDS[board].preset
    total = 0
    for depth in range(256, 1 << 18, 256):
        config = preset.base.replace(entry_depth=depth)
        total = sum(MemoryMap.of(config).block_rams(preset.block_ram).values())
        total += preset.link_rams
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
def test_shapes_of_a_block_ram(family: str, depth: int, width: int, expected: int) -> None:
    one = Memory(name="one", owner=Owner.PE, copies=1, depth=depth, width=width)
    three = dataclasses.replace(one, name="three", copies=3)
    logic = dataclasses.replace(one, name="logic", store=Store.LOGIC)
    need = MemoryMap(memories=(one, three, logic)).block_rams(FAMILIES[family].block_ram)
    assert need == {"one": expected, "three": 3 * expected}


def test_only_codebook_engines_have_codebooks() -> None:
    assert "codebook" in MemoryMap.of(EngineConfig())
    assert "codebook" not in MemoryMap.of(EngineConfig(mac=MacKind.LOG))


def test_column_memory_is_shared_by_a_group_and_holds_its_biases() -> None:
    config = EngineConfig(pes=6, group=4, column_depth=300, bias_depth=20, entry_depth=512)
    assert shape(config, "column") == (2, 320, 4 * (9 + 6))
    assert shape(config.replace(pes=1, group=1), "column") == (1, 320, 32), "a bias is wider"


@pytest.mark.parametrize(
    "config",
    [
        EngineConfig(pes=6, group=4),
        cell_config(pes=5, group=2, mac="codebook"),
        cell_config(pes=4, group=1, streams=3),
    ],
)
def test_memories_have_owners_and_targets_their_words(config: EngineConfig) -> None:
    memories = MemoryMap.of(config)
    owners = {Owner.PE: config.pes, Owner.GROUP: config.groups, Owner.ENGINE: 1}
    for memory in memories.memories:
        each = 2 if memory.name == "cell" else 1
        assert memory.copies == each * owners[memory.owner]
    # Wherever biases are, they follow the pointers in what a host loads.
    assert memories.space("column").depth == config.column_depth + config.bias_depth
    assert memories.space("column").width >= config.acc_width
    assert memories.space("program").depth == config.layers
    assert memories.space("codebook").depth == config.layers * config.codebook_size


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
    config, ice40 = spram(8), FAMILIES["ice40"].block_ram
    need = MemoryMap.of(config).block_rams(ice40)
    assert list(need) == ["column", "accumulator", "activation"]
    assert "entry" in MemoryMap.of(config.replace(entry_memory="block")).block_rams(ice40)
    assert shape(config, "entry") == (8, 1 << 13, 16)


def test_spram_is_refused_where_there_is_none_or_too_little() -> None:
    icebreaker = BOARDS["icebreaker"].preset
    check_fits(spram(8, 8), icebreaker, what="network n")
    text = (
        "network n is too large for board icebreaker: its 9 PEs need 5 SPRAMs, one for two of a "
        "group, and iCE40UP5K has 4; use fewer --pes"
    )
    with pytest.raises(ElsieError, match=re.escape(text)):
        check_fits(spram(9, 10), icebreaker, what="network n")
    for board in set(BOARDS) - {"icebreaker"}:
        assert BOARDS[board].preset.sprams == 0
        text = f"board {board} has none; use --entry-memory block"
        with pytest.raises(ElsieError, match=text):
            check_fits(spram(2), BOARDS[board].preset, what="network n")
    with pytest.raises(ElsieError, match=r"it needs \d+ block RAMs \(column"):
        check_fits(spram(2).replace(column_depth=8192), icebreaker, what="network n")
