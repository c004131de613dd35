"""Both memories against a list; the assertion that lets boards drop the collision logic."""

import numpy as np
import pytest

from rtl.prim.ram import BlockRam, LutRam
from tests.rtl.helpers import drive


@pytest.mark.parametrize("depth", [1, 2, 5, 16])
def test_block_ram_against_a_list(depth: int) -> None:
    rng = np.random.default_rng(depth)
    init = [int(word) for word in rng.integers(0, 1 << 7, min(depth, 3))]
    model = init + [0] * (depth - len(init))
    rows, expected, held = [], [], 0
    for _ in range(200):
        reads, writes = (bool(bit) for bit in rng.integers(0, 2, 2))
        r_addr, w_addr = (int(address) for address in rng.integers(0, depth, 2))
        reads = reads and not (writes and r_addr == w_addr)
        word = int(rng.integers(0, 1 << 7))
        rows.append(
            {"r_en": reads, "r_addr": r_addr, "w_en": writes, "w_addr": w_addr, "w_data": word}
        )
        expected.append(held)
        held = model[r_addr] if reads else held
        if writes:
            model[w_addr] = word
    seen = drive(BlockRam(width=7, depth=depth, init=init), rows, ["r_data"])
    # Before the first read, what a block RAM shows is nobody's business.
    first = next(cycle for cycle, row in enumerate(rows) if row["r_en"]) + 1
    assert [cycle["r_data"] for cycle in seen][first:] == expected[first:]
    assert len(set(expected)) > min(depth, 3)


def test_block_ram_collision_is_asserted() -> None:
    same = {"r_en": 1, "w_en": 1, "r_addr": 3, "w_addr": 3}
    with pytest.raises(AssertionError, match="read and written at one address"):
        drive(BlockRam(width=4, depth=8), [same, {}], ["r_data"])
    for harmless in ({"r_en": 0}, {"w_en": 0}, {"r_addr": 2}):
        drive(BlockRam(width=4, depth=8), [{**same, **harmless}, {}], ["r_data"])


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_lut_ram_reads_without_a_clock(depth: int) -> None:
    rng = np.random.default_rng(depth)
    model = [0] * depth
    rows, expected = [], []
    for _ in range(150):
        writes, r_addr, w_addr, word = (int(v) for v in rng.integers(0, [2, depth, depth, 32], 4))
        rows.append({"r_addr": r_addr, "w_en": writes, "w_addr": w_addr, "w_data": word})
        expected.append(model[r_addr])
        if writes:
            model[w_addr] = word
    seen = drive(LutRam(width=5, depth=depth), rows, ["r_data"])
    assert [cycle["r_data"] for cycle in seen] == expected
