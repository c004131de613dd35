"""The large RAM against a dict, and its cell: each pin has the same meaning."""

from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from rtl.prim.spram import Spram
from tests.rtl.helpers import drive


@pytest.mark.parametrize("seed", range(3))
def test_reads_and_writes_in_turn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = [0, 1, 0x2000, 0x3FFF, *(int(v) for v in rng.integers(0, Spram.DEPTH, 4))]
    written: dict[int, int] = {}
    rows: list[dict[str, int]] = []
    expected: dict[int, int] = {}
    for _ in range(400):
        en, write = int(rng.random() < 0.8), int(rng.random() < 0.5)
        addr, word = int(rng.choice(places)), int(rng.integers(0, 1 << 16))
        rows.append({"en": en, "write": write, "addr": addr, "w_data": word})
        if en and write:
            written[addr] = word
        elif en and addr in written:
            # What was never written is undefined, and so is what a cycle without a read shows.
            expected[len(rows)] = written[addr]
    seen = drive(Spram(), [*rows, {}], ["r_data"])
    assert {cycle: seen[cycle]["r_data"] for cycle in expected} == expected
    assert len(set(expected.values())) > 20


def test_the_cell_is_used_on_its_part_only() -> None:
    for device, there in (("iCE40UP5K", True), ("iCE40HX8K", False), ("", False)):
        text = rtlil.convert(Spram(), platform=SimpleNamespace(device=device), emit_src=False)
        assert ("cell \\SB_SPRAM256KA" in text) == there
        assert ("$memrd" in text) != there
