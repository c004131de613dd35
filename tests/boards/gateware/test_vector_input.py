# amaranth: UnusedElaboratable=no
"""Bytes to activations, and the recovery from lost bytes."""

import pytest

from boards.gateware.vector_input import VectorInput
from golden.errors import ElsieError
from sim.harness import put, simulate
from tests.boards.gateware.networks import CONFIG

DIVISOR, TIMEOUT = 4, 64
WIDE = CONFIG.replace(act_width=12, acc_width=24)


def bench(dut: VectorInput, script, *, pause: int = 0) -> list[tuple[int, int, int]]:
    """Run a script of bytes; the engine's side takes an activation every `pause` + 1 cycles.

    Returns every activation taken: value, last, and whether its inference is to be discarded.
    """
    taken: list[tuple[int, int, int]] = []
    ended: list[bool] = []
    port = dut.activations

    async def engine_side(ctx):
        while not ended:
            await ctx.tick().repeat(pause + 1)
            if not ctx.get(port.valid):
                continue
            payload = ctx.get(port.payload)
            ctx.set(port.ready, 1)
            await ctx.tick()
            ctx.set(port.ready, 0)
            if payload.last:
                await ctx.tick().repeat(30)
                ctx.set(dut.finished, 1)
            taken.append((payload.value, payload.last, ctx.get(dut.discard)))
            await ctx.tick()
            ctx.set(dut.finished, 0)

    async def host_side(ctx):
        await script(ctx)
        await ctx.tick().repeat(TIMEOUT + 200)
        assert not ctx.get(dut.busy)
        ended.append(True)

    async def held(ctx):
        before = None
        signals = (port.valid, port.ready, port.payload.as_value())
        async for _, _, valid, ready, payload in ctx.tick().sample(*signals):
            assert before is None or (valid and payload == before), "an offer was changed"
            before = payload if valid and not ready else None

    simulate(dut, host_side, engine_side, processes=[held], max_cycles=5000)
    return taken


async def give(ctx, dut: VectorInput, data: bytes, *, gap: int = 40) -> None:
    for byte in data:
        await put(ctx, dut.bytes, byte)
        await ctx.tick().repeat(gap)


@pytest.mark.parametrize("pause", [0, 7])
def test_vectors_of_two_bytes_each(pause: int) -> None:
    dut = VectorInput(config=WIDE, n_in=3, divisor=DIVISOR, timeout=TIMEOUT)
    values = [-2048, 2047, -1]
    data = b"".join(value.to_bytes(2, "little", signed=True) for value in values)

    async def script(ctx):
        for _ in range(2):
            await give(ctx, dut, data)
            await ctx.tick().until(~dut.busy)

    expected = [(-2048, 0, 0), (2047, 0, 0), (-1, 1, 0)]
    assert bench(dut, script, pause=pause) == 2 * expected


def test_zeros_make_up_a_vector_that_broke_off() -> None:
    dut = VectorInput(config=CONFIG, n_in=3, divisor=DIVISOR, timeout=TIMEOUT)

    async def script(ctx):
        await give(ctx, dut, b"\x05")
        await ctx.tick().until(~dut.busy)
        await give(ctx, dut, b"\x01\x02\x03")

    expected = [(5, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (2, 0, 0), (3, 1, 0)]
    assert bench(dut, script) == expected


def test_a_lost_byte_spoils_the_vector_until_silence() -> None:
    dut = VectorInput(config=CONFIG, n_in=3, divisor=DIVISOR, timeout=TIMEOUT)

    async def script(ctx):
        ctx.set(dut.lost, 1)
        await ctx.tick()
        ctx.set(dut.lost, 0)
        await give(ctx, dut, bytes(range(1, 20)))
        await ctx.tick().until(~dut.busy)
        await give(ctx, dut, b"\x01\x02\x03")

    assert bench(dut, script) == [(1, 0, 0), (2, 0, 0), (3, 1, 0)]


@pytest.mark.parametrize("gap", [TIMEOUT - 2, TIMEOUT - 1, TIMEOUT, TIMEOUT + 1, TIMEOUT + 2])
def test_a_byte_at_the_end_of_the_silence(gap: int) -> None:
    """Either it belongs to the old vector or it starts a new one; never to both or to none."""
    dut = VectorInput(config=CONFIG, n_in=2, divisor=DIVISOR, timeout=TIMEOUT)

    async def script(ctx):
        await put(ctx, dut.bytes, 7)
        await ctx.tick().repeat(gap)
        await put(ctx, dut.bytes, 8)

    taken = bench(dut, script)
    # A byte that comes while the old vector is padded is dropped with what follows it.
    assert taken in ([(7, 0, 0), (8, 1, 0)], [(7, 0, 0), (0, 1, 1)])


def test_refuses() -> None:
    with pytest.raises(ElsieError, match="n_in must be at least 1"):
        VectorInput(config=CONFIG, n_in=0, divisor=4, timeout=64)
    with pytest.raises(ElsieError, match="timeout must be at least 16 x divisor = 64 cycles"):
        VectorInput(config=CONFIG, n_in=1, divisor=4, timeout=63)
