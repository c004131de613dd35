"""The delay line: cycles, structured values, holding, and which registers a reset clears."""

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.prim.delay import delayed
from sim.harness import simulate
from tests.rtl.helpers import drive

LAYOUT = data.StructLayout({"a": signed(5), "b": 3})


class Line(wiring.Component):
    i: data.View
    enable: Signal
    o: data.View

    def __init__(self, *, cycles: int, reset_less: bool = True) -> None:
        self._cycles, self._reset_less = cycles, reset_less
        super().__init__({"i": In(LAYOUT), "enable": In(1), "o": Out(LAYOUT)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A delay of no cycles has no clock of its own.
        m.d.sync += Signal(name="clocked").eq(1)
        late = delayed(
            m,
            self.i,
            cycles=self._cycles,
            name="late",
            reset_less=self._reset_less,
            enable=self.enable,
        )
        m.d.comb += [self.o.a.eq(late.a), self.o.b.eq(late.b)]
        return m


@pytest.mark.parametrize("cycles", [0, 1, 2, 5])
def test_values_come_out_cycles_later(cycles: int) -> None:
    rows = [{"i.a": n - 16, "i.b": n % 7, "enable": 1} for n in range(32)]
    seen = drive(Line(cycles=cycles), rows, ["o.a", "o.b"])
    expected = [{"o.a": row["i.a"], "o.b": row["i.b"]} for row in rows]
    assert seen[cycles:] == expected[: len(rows) - cycles]


@pytest.mark.parametrize("cycles", [1, 3])
def test_only_cycles_with_enable_count(cycles: int) -> None:
    rng = np.random.default_rng(cycles)
    rows = [{"i.a": n % 32 - 16, "enable": int(rng.random() < 0.6)} for n in range(64)]
    seen = drive(Line(cycles=cycles), rows, ["o.a"])
    line = [0] * cycles
    for row, after in zip(rows, seen, strict=True):
        assert after["o.a"] == line[-1]
        if row["enable"]:
            line = [row["i.a"], *line[:-1]]
    assert len({row["o.a"] for row in seen}) > 10


@pytest.mark.parametrize("reset_less", [True, False])
def test_a_reset_clears_valid_bits_only(reset_less: bool) -> None:
    dut, reset = Line(cycles=3, reset_less=reset_less), Signal()
    seen = []

    async def bench(ctx) -> None:
        ctx.set(dut.enable, 1)
        ctx.set(dut.i.b, 5)
        await ctx.tick().repeat(4)
        ctx.set(dut.i.b, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        seen.append(ctx.get(dut.o.b))

    simulate(ResetInserter(reset)(dut), bench, max_cycles=20)
    assert seen == [5 if reset_less else 0]
