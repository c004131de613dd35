# amaranth: UnusedElaboratable=no
"""Bytes to activations, and the recovery from lost bytes."""

import pytest

from boards.gateware.vector_input import VectorInput
from golden.errors import ElsieError
from sim.harness import put, simulate
from tests.boards.gateware.networks import CONFIG

DIVISOR, TIMEOUT = 4, 64
WIDE = CONFIG.replace(act_width=12, acc_width=24)
FLAGS = CONFIG.replace(act_width=16, acc_width=40, cells=8)

Taken = tuple[int, ...]


def bench(dut: VectorInput, script, *, pause: int = 0, keen: bool = False) -> list[Taken]:
    """Run a script of bytes; the engine's side takes an activation every `pause` + 1 cycles.

    `keen`: the engine is ready before there is anything to take, as a real one is.
    Returns every activation taken: value, last, and whether its inference is to be discarded; with
    flags, also those that came with it.
    """
    taken: list[Taken] = []
    ended: list[bool] = []
    port = dut.activations
    flagged = "reset" in dict(port.payload.shape())

    async def engine_side(ctx):
        while not ended:
            await ctx.tick().repeat(pause + 1)
            ctx.set(port.ready, keen)
            if not ctx.get(port.valid):
                continue
            payload = ctx.get(port.payload)
            ctx.set(port.ready, 1)
            await ctx.tick()
            ctx.set(port.ready, 0)
            if payload.last:
                await ctx.tick().repeat(30)
                ctx.set(dut.finished, 1)
            flags = (payload.reset, payload.answer) if flagged else ()
            taken.append((payload.value, payload.last, ctx.get(dut.discard), *flags))
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


def step(flags: int, *values: int) -> bytes:
    return bytes([flags]) + b"".join(value.to_bytes(2, "little", signed=True) for value in values)


@pytest.mark.parametrize("keen", [False, True])
@pytest.mark.parametrize("n_in", [1, 3])
def test_flags_come_before_each_step(n_in: int, keen: bool) -> None:
    """With every activation of it; all but the lowest two are ignored."""
    dut = VectorInput(config=FLAGS, n_in=n_in, divisor=DIVISOR, timeout=TIMEOUT)
    values = [-32768, 0x0201, -1][-n_in:]
    sent = [0b11111101, 0b10, 0b11, 0b01111100]

    async def script(ctx):
        for flags in sent:
            await give(ctx, dut, step(flags, *values))
            await ctx.tick().until(~dut.busy)

    assert bench(dut, script, keen=keen) == [
        (value, number == n_in - 1, 0, flags & 1, flags >> 1 & 1)
        for flags in sent
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize("keen", [False, True])
@pytest.mark.parametrize("bytes_sent", range(1, 7))
def test_zeros_make_up_a_step_that_broke_off(bytes_sent: int, keen: bool) -> None:
    """Unless the engine has nothing of it yet. The next step's first byte is its flags again."""
    dut = VectorInput(config=FLAGS, n_in=3, divisor=DIVISOR, timeout=TIMEOUT)
    whole = step(1, 0x0101, 0x0202, 0x0303)

    async def script(ctx):
        await give(ctx, dut, whole[:bytes_sent])
        await ctx.tick().until(~dut.busy)
        await give(ctx, dut, step(2, 7, 8, 9))

    arrived = (bytes_sent - 1) // 2
    broken = [0x0101, 0x0202][:arrived] + [0] * (3 - arrived)
    expected = [(7, 0, 0, 0, 1), (8, 0, 0, 0, 1), (9, 1, 0, 0, 1)]
    if arrived:
        # What arrived may have been taken before the silence said that it is to be discarded.
        steps = [
            (value, int(number == 2), int(number >= arrived), 1, 0)
            for number, value in enumerate(broken)
        ]
        expected = [*steps, *expected]
    assert bench(dut, script, keen=keen) == expected


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
