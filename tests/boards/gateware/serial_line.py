"""A host at the pins: what a serial adapter does, with its own clock."""

from typing import Any

from amaranth.hdl import Signal

from sim.harness import CLOCK_PERIOD


async def send(
    ctx: Any,
    pin: Signal,
    data: bytes,
    *,
    divisor: float,
    stop_bits: float = 1,
    stop_level: int = 1,
) -> None:
    """Put bytes on a line; `divisor` need not be an integer: the host has a clock of its own."""
    bit = divisor * CLOCK_PERIOD
    for byte in data:
        for level in (0, *((byte >> index) & 1 for index in range(8))):
            ctx.set(pin, level)
            await ctx.delay(bit)
        ctx.set(pin, stop_level)
        await ctx.delay(bit * stop_bits)
    ctx.set(pin, 1)


async def receive(ctx: Any, pin: Signal, count: int, *, divisor: float) -> bytes:
    """Take bytes off a line, sampling in the middle of bits; asserts start and stop bits."""
    bit = divisor * CLOCK_PERIOD
    out = bytearray()
    for _ in range(count):
        if ctx.get(pin):
            await ctx.negedge(pin)
        await ctx.delay(bit / 2)
        assert ctx.get(pin) == 0, "start bit"
        byte = 0
        for index in range(8):
            await ctx.delay(bit)
            byte |= ctx.get(pin) << index
        await ctx.delay(bit)
        assert ctx.get(pin) == 1, "stop bit"
        out.append(byte)
    return bytes(out)
