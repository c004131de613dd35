# amaranth: UnusedElaboratable=no
"""The serial port at pin level."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from boards.gateware.uart import UartReceiver, UartTransmitter
from golden.errors import ElsieError
from sim.harness import CLOCK_PERIOD, get, put, simulate
from tests.boards.gateware.serial_line import receive, send


def receive_all(data: bytes, *, divisor: int, host: float, stop_bits: float = 1) -> list[int]:
    """What a receiver makes of bytes that a host sends; no byte may be reported lost."""
    dut = UartReceiver(divisor=divisor)
    got: list[int] = []

    async def host_side(ctx):
        await ctx.delay(CLOCK_PERIOD * 7.3)  # the host's edges have nothing to do with the clock
        await send(ctx, dut.rx, data, divisor=host, stop_bits=stop_bits)

    async def board_side(ctx):
        for _ in data:
            got.append(await get(ctx, dut.bytes))

    async def no_loss(ctx):
        async for _, _, lost in ctx.tick().sample(dut.lost):
            assert not lost

    simulate(
        dut, host_side, board_side, processes=[no_loss], max_cycles=int(host * 12 * len(data)) + 99
    )
    return got


@pytest.mark.parametrize("divisor", [4, 5, 7, 16, 156])
@pytest.mark.parametrize("error", [-0.02, 0, 0.02])
def test_receives_back_to_back_bytes_at_the_wrong_speed(divisor: int, error: float) -> None:
    data = random.Random(divisor).randbytes(12) + b"\x00\xff\x55\xaa"
    assert bytes(receive_all(data, divisor=divisor, host=divisor * (1 + error))) == data


def test_receives_with_pauses() -> None:
    data = b"\x00\xff\x01\x80"
    assert bytes(receive_all(data, divisor=8, host=8, stop_bits=2.37)) == data


def test_glitch_is_no_start_bit() -> None:
    dut = UartReceiver(divisor=16)

    async def host_side(ctx):
        for cycles in (1, 3, 6):
            ctx.set(dut.rx, 0)
            await ctx.delay(CLOCK_PERIOD * cycles)
            ctx.set(dut.rx, 1)
            await ctx.delay(CLOCK_PERIOD * 40)
        await send(ctx, dut.rx, b"\xc3", divisor=16)

    async def board_side(ctx):
        assert await get(ctx, dut.bytes) == 0xC3

    simulate(dut, host_side, board_side, max_cycles=500)


def count_lost(dut: UartReceiver, seen: list[int]):
    """A recorder of the cycles with `lost`."""

    async def recorder(ctx):
        async for _, _, lost in ctx.tick().sample(dut.lost):
            if lost:
                seen.append(1)

    return recorder


def test_framing_error_and_break_lose_one_byte() -> None:
    dut = UartReceiver(divisor=8)
    lost: list[int] = []

    async def host_side(ctx):
        await send(ctx, dut.rx, b"\x5a", divisor=8, stop_level=0)
        await ctx.delay(CLOCK_PERIOD * 20)
        ctx.set(dut.rx, 0)  # a break
        await ctx.delay(CLOCK_PERIOD * 8 * 50)
        ctx.set(dut.rx, 1)
        await ctx.delay(CLOCK_PERIOD * 20)
        await send(ctx, dut.rx, b"\x81", divisor=8)

    async def board_side(ctx):
        assert await get(ctx, dut.bytes) == 0x81

    simulate(dut, host_side, board_side, processes=[count_lost(dut, lost)], max_cycles=1000)
    assert len(lost) == 2


def test_overrun_keeps_the_first_byte() -> None:
    dut = UartReceiver(divisor=8)
    lost: list[int] = []

    async def host_side(ctx):
        await send(ctx, dut.rx, b"\x11\x22", divisor=8)
        await ctx.delay(CLOCK_PERIOD * 20)
        assert ctx.get(dut.bytes.valid)
        assert await get(ctx, dut.bytes) == 0x11
        await send(ctx, dut.rx, b"\x33", divisor=8)
        assert await get(ctx, dut.bytes) == 0x33

    simulate(dut, host_side, processes=[count_lost(dut, lost)], max_cycles=1000)
    assert lost == [1]


@pytest.mark.parametrize("divisor", [4, 9])
def test_transmits(divisor: int) -> None:
    dut = UartTransmitter(divisor=divisor)
    data = random.Random(divisor).randbytes(10)

    async def board_side(ctx):
        assert ctx.get(dut.tx) == 1
        for byte in data:
            await put(ctx, dut.bytes, byte)

    async def host_side(ctx):
        assert await receive(ctx, dut.tx, len(data), divisor=divisor) == data

    simulate(dut, board_side, host_side, max_cycles=divisor * 12 * len(data))


def test_loop() -> None:
    m = Module()
    m.submodules.tx = tx = UartTransmitter(divisor=4)
    m.submodules.rx = rx = UartReceiver(divisor=4)
    m.submodules.back = back = UartTransmitter(divisor=4)
    m.d.comb += rx.rx.eq(tx.tx)
    connect(m, rx.bytes, back.bytes)
    data = bytes(range(0, 256, 5))

    async def give(ctx):
        for byte in data:
            await put(ctx, tx.bytes, byte)

    async def take(ctx):
        assert await receive(ctx, back.tx, len(data), divisor=4) == data

    simulate(m, give, take, max_cycles=4000)


@pytest.mark.parametrize("divisor", [3, 0, -1, 4.0, True])
@pytest.mark.parametrize("unit", [UartReceiver, UartTransmitter])
def test_refuses_a_divisor(unit, divisor) -> None:
    with pytest.raises(ElsieError, match=r"divisor .* at least 4, not"):
        unit(divisor=divisor)
