# amaranth: UnusedElaboratable=no
"""The reset behind the PLL; the PLL itself has no model in the simulator."""

import pytest
from amaranth.hdl import DomainRenamer, Elaboratable, Module, Signal

from boards.clock import ClockGenerator
from boards.families.ice40 import Ice40Dividers
from boards.families.reset import Reset as NetReset
from golden.errors import ElsieError
from sim.harness import simulate


class Reset(Elaboratable):
    """Only the reset counter, with a lock that a test can drive."""

    def __init__(self) -> None:
        self.locked = Signal()
        # 16.125 MHz: the lowest clock of an iCE40 PLL, so the fewest cycles, 241.
        self.generator = ClockGenerator(
            pll=Ice40Dividers,
            reset=NetReset(),
            reference_hz=12_000_000,
            output_hz=16_125_000,
            pad=True,
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.generator._reset(m, self.locked)
        return m


def test_reset_lasts_15_us_after_a_steady_lock() -> None:
    dut = Reset()

    async def bench(ctx):
        running = dut.generator.running
        assert ctx.get(running) == 0
        for cycles in (50, 200):  # the lock bounces
            ctx.set(dut.locked, 1)
            await ctx.tick().repeat(cycles)
            assert ctx.get(running) == 0
            ctx.set(dut.locked, 0)
            await ctx.tick().repeat(4)
        ctx.set(dut.locked, 1)
        await ctx.tick().repeat(240)
        assert ctx.get(running) == 0
        await ctx.tick().repeat(10)
        assert ctx.get(running) == 1
        ctx.set(dut.locked, 0)
        await ctx.tick().repeat(5)
        assert ctx.get(running) == 0

    simulate(DomainRenamer({"por": "sync"})(dut), bench, max_cycles=2000)


def test_refuses_a_clock_that_cannot_be_made() -> None:
    with pytest.raises(ElsieError, match="the nearest is"):
        ClockGenerator(
            pll=Ice40Dividers,
            reset=NetReset(),
            reference_hz=12_000_000,
            output_hz=17_300_000,
            pad=True,
        )
