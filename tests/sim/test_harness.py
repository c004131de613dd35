"""The harness: what stays behind when a simulation ends early."""

import gc
from typing import Any

import pytest
from amaranth.hdl import Module, Signal

from sim.harness import SimulationTimeout, simulate


@pytest.mark.parametrize("error", [SimulationTimeout, KeyboardInterrupt, AssertionError])
def test_an_early_end_leaves_nothing_that_complains(error: type[BaseException]) -> None:
    """Warnings are errors, and a suspended coroutine that Python drops would warn."""
    m, never, count = Module(), Signal(), Signal(8)
    m.d.sync += count.eq(count + 1)

    async def wait(ctx: Any) -> None:
        await ctx.tick().until(never)

    async def watch(ctx: Any) -> None:
        async for _, _, value in ctx.tick().sample(count):
            if value == 9 and error is not SimulationTimeout:
                raise error

    with pytest.raises(error):
        simulate(m, wait, processes=[watch], max_cycles=20)
    gc.collect()
