"""The table of memories by which a network is taken or refused is that of the RTL."""

from collections import Counter
from typing import Any

import pytest
from amaranth.hdl import Fragment

from golden.config import EngineConfig
from golden.format.memories import MemoryMap
from rtl.engine import Engine
from rtl.prim.ram import BlockRam
from tests.cells import cell_config
from tests.networks import small_config

ENGINES: dict[str, EngineConfig] = {
    "codebook": small_config([20, 13, 7], pes=5, group=2),
    "log": small_config([20, 13], pes=3, group=1, mac="log"),
    "cells": cell_config(pes=5, group=2, mac="codebook"),
    "streams": cell_config(pes=4, group=1, streams=3),
    "delta": cell_config(pes=3, group=2, delta=True),
}


@pytest.mark.parametrize("name", ENGINES)
def test_every_block_ram_is_in_the_table(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config, built = ENGINES[name], Counter()
    init = BlockRam.__init__

    def noted(self: BlockRam, **given: Any) -> None:
        built[(given["depth"], given["width"])] += 1
        init(self, **given)

    monkeypatch.setattr(BlockRam, "__init__", noted)
    Fragment.get(Engine(config=config), None)
    table: Counter[tuple[int, int]] = Counter()
    for memory in MemoryMap.of(config).memories:
        table[(memory.depth, memory.width)] += memory.copies
    assert built == table
