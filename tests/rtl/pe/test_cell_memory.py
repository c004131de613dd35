"""Cell memory: two halves against a list of words; reads that hold, and writes of one half."""

import numpy as np
import pytest

from rtl.pe.cell_memory import CellMemory
from tests.cells import cell_config
from tests.rtl.helpers import drive

CONFIG = cell_config(cells=3, streams=2)
WATCH = ["left", "right"]


@pytest.mark.parametrize("seed", range(4))
def test_against_a_list_of_words(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = [[0, 0] for _ in range(CONFIG.cell_words)]
    shown = [0, 0]
    rows, expected = [], []
    for _ in range(300):
        read, write = rng.random() < 0.5, int(rng.integers(0, 4))
        address, target = (int(a) for a in rng.integers(0, CONFIG.cell_words, 2))
        if read and write and address == target:
            write = 0
        value = int(rng.integers(-(1 << 15), 1 << 15))
        rows.append({"read": read, "address": address, "write": write})
        rows[-1] |= {"write_address": target, "value": value}
        expected.append(list(shown))
        if read:
            shown = list(words[address])
        for half in range(2):
            if write >> half & 1:
                words[target][half] = value
    seen = drive(CellMemory(config=CONFIG), rows, WATCH)
    assert [list(row.values()) for row in seen] == expected
    assert len({half for word in words for half in word}) > CONFIG.cell_words


@pytest.mark.parametrize("half", [0b01, 0b10])
def test_reading_what_is_written_is_asserted(half: int) -> None:
    rows = [{"read": 1, "address": 5, "write": half, "write_address": 5}, {}]
    with pytest.raises(AssertionError, match="read and written at one address"):
        drive(CellMemory(config=CONFIG), rows, WATCH)
