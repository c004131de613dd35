"""Families against everything else that knows families and parts."""

import pytest

from boards.families.family import Family
from boards.families.registry import FAMILIES, family_of
from boards.registry import BOARDS
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.memories import MemoryMap
from toolchain.programs import TOOLS


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_family_has_its_programs_its_block_ram_and_its_figures(family: Family) -> None:
    assert set(family.programs) <= set(TOOLS)
    assert all(MemoryMap.of(EngineConfig()).block_rams(family.block_ram).values())
    bits = {depth * width for depth, width in family.block_ram}
    assert max(bits) < 1.2 * min(bits), "the same memory in other shapes, give or take parity"
    fields = {*family.cells, *family.synthesised}
    assert {"lut", "ff", "bram", "dsp"} <= fields


def test_boards_have_known_parts_and_a_part_has_one_family() -> None:
    for board in BOARDS.values():
        part = board.family.parts[board.part]
        assert (board.preset.block_rams, board.preset.sprams) == (part.block_rams, part.sprams)
    parts = [name for family in FAMILIES.values() for name in family.parts]
    assert len(parts) == len(set(parts))


def test_an_unknown_part() -> None:
    with pytest.raises(ElsieError, match="no FPGA 'XC7A35T' is known; there are iCE40HX8K"):
        family_of("XC7A35T")
