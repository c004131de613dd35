"""The table of families against everything else that knows families and parts."""

import pytest

from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.memories import MemoryMap
from golden.presets import PRESETS
from toolchain.families import FAMILIES, Family, family_of
from toolchain.programs import TOOLS


@pytest.mark.parametrize("board", list(PRESETS))
def test_a_boards_part_is_in_its_family(board: str) -> None:
    preset = PRESETS[board]
    assert family_of(preset.device).name == preset.family


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_family_has_its_programs_its_block_ram_and_its_figures(family: Family) -> None:
    assert set(family.programs) <= set(TOOLS)
    assert all(MemoryMap.of(EngineConfig()).block_rams(family.name).values())
    fields = {*family.cells, *family.synthesised}
    assert {"lut", "ff", "bram", "dsp"} <= fields


def test_an_unknown_part() -> None:
    with pytest.raises(ElsieError, match="no FPGA 'XC7A35T' is known; there are iCE40HX8K"):
        family_of("XC7A35T")
