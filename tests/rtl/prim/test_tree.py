"""Trees of registers over any number of bits: any, every, and cleared."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.prim.tree import gathered
from tests.rtl.helpers import drive


class Tree(wiring.Component):
    bits: Signal
    clear: Signal
    some: Signal
    all: Signal

    def __init__(self, size: int) -> None:
        super().__init__({"bits": In(size), "clear": In(1), "some": Out(1), "all": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = list(self.bits)
        m.d.comb += [
            self.some.eq(gathered(m, bits, every=False, name="some")),
            self.all.eq(gathered(m, bits, every=True, name="every", clear=self.clear)),
        ]
        return m


@pytest.mark.parametrize(("size", "levels"), [(1, 1), (2, 1), (4, 1), (5, 2), (16, 2), (17, 3)])
def test_a_level_of_registers_for_each_factor_of_four(size: int, levels: int) -> None:
    rng = np.random.default_rng(size)
    rare = [rng.random(size) < 0.3 / size for _ in range(60)]
    often = [rng.random(size) > 0.3 / size for _ in range(60)]
    words = [sum(int(bit) << n for n, bit in enumerate(bits)) for bits in rare + often]
    clears = [int(rng.random() < 0.1) for _ in words]
    rows = [{"bits": word, "clear": clear} for word, clear in zip(words, clears, strict=True)]
    seen = drive(Tree(size), rows, ["some", "all"])
    full = (1 << size) - 1
    for cycle in range(levels, len(rows)):
        word, kept = words[cycle - levels], not any(clears[cycle - levels : cycle])
        assert seen[cycle] == {"some": int(word > 0), "all": int(word == full and kept)}
    assert len({row["some"] for row in seen}) == len({row["all"] for row in seen}) == 2
