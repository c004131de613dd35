"""The simulation harness: clock, watchdog, waveforms on request, stream helpers."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from amaranth.hdl import Elaboratable
from amaranth.lib import stream
from amaranth.sim import Simulator

Testbench = Callable[[Any], Coroutine[Any, Any, None]]
CLOCK_PERIOD = 1e-6


class SimulationTimeout(AssertionError):
    """A simulation did not end within its number of cycles."""


def simulate(
    dut: Elaboratable,
    *testbenches: Testbench,
    processes: Sequence[Testbench] = (),
    max_cycles: int = 100_000,
    period: float = CLOCK_PERIOD,
    recording: Callable[[Simulator], AbstractContextManager[None]] | None = None,
) -> None:
    """Run until every testbench has ended, with a clock on the `sync` domain.

    processes: started first, may run forever (recorders, models). max_cycles: the watchdog.
    period: the clock's, in seconds. recording: of waveforms, entered around the run
    (sim.waves.record).

    Raises SimulationTimeout when the watchdog expires; failed assertions in design or testbench
    pass through.
    """

    async def watchdog(ctx: Any) -> None:
        await ctx.delay(period * max_cycles)
        raise SimulationTimeout(f"the simulation did not end within {max_cycles} cycles")

    started: list[Coroutine[Any, Any, None]] = []

    def kept(testbench: Testbench) -> Testbench:
        async def start(ctx: Any) -> None:
            started.append(testbench(ctx))
            await started[-1]

        return start

    simulator = Simulator(dut)
    simulator.add_clock(period)
    for process in processes:
        simulator.add_process(kept(process))
    for testbench in testbenches:
        simulator.add_testbench(kept(testbench))
    simulator.add_testbench(kept(watchdog), background=True)
    try:
        with recording(simulator) if recording else nullcontext():
            simulator.run()
    finally:
        # Amaranth's triggers complain of being closed; here, not when Python drops them some day.
        for coroutine in started:
            with suppress(RuntimeError):
                coroutine.close()


async def put(ctx: Any, port: stream.Interface, payload: Any) -> None:
    """Offer one payload and wait until it is taken."""
    ctx.set(port.payload, payload)
    ctx.set(port.valid, 1)
    await ctx.tick().until(port.ready)
    ctx.set(port.valid, 0)


async def get(ctx: Any, port: stream.Interface) -> Any:
    """Wait for one payload and take it."""
    ctx.set(port.ready, 1)
    (payload,) = await ctx.tick().sample(port.payload).until(port.valid)
    ctx.set(port.ready, 0)
    return payload
