# amaranth: UnusedElaboratable=no
"""Frames from and to bytes, without a line."""

import random
import zlib

import pytest

from boards.gateware.checksum import SerialChecksum
from boards.gateware.frame_receiver import FrameReceiver
from boards.gateware.frame_sender import FrameSender
from boards.gateware.speed import Speed
from boards.link.frames import frame, message
from boards.link.protocol import LOST
from golden.errors import ElsieError
from sim.harness import get, put, simulate


@pytest.mark.parametrize("data", [b"", b"\0", b"123456789", bytes(range(40))])
def test_checksum_is_that_of_zlib(data: bytes) -> None:
    dut = SerialChecksum()

    async def script(ctx):
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for byte in data:
            await put(ctx, dut.bytes, byte)
        await ctx.tick().repeat(9)
        assert ctx.get(dut.value) == zlib.crc32(data)
        for byte in zlib.crc32(data).to_bytes(4, "little"):
            await put(ctx, dut.bytes, byte)
        await ctx.tick().repeat(9)
        assert ctx.get(dut.right)

    simulate(dut, script)


def received(
    line: bytes, *, gap: int = 12, read: bool = True, lost: int | None = None
) -> list[bytes]:
    """The messages that a receiver makes of bytes on the line; they are read at last.

    lost: before this byte another one was lost.
    """
    dut = FrameReceiver(buffer=512, timeout=2000)
    got: list[bytes] = []

    async def host(ctx):
        for number, byte in enumerate(line):
            ctx.set(dut.lost, int(number == lost))
            await ctx.tick()
            ctx.set(dut.lost, 0)
            ctx.set(dut.bytes.valid, 1)
            ctx.set(dut.bytes.payload, byte)
            await ctx.tick()
            ctx.set(dut.bytes.valid, 0)
            await ctx.tick().repeat(gap)
        if not read:
            ctx.set(dut.request.ready, 1)
        await ctx.tick().repeat(2100)

    async def take(ctx):
        ctx.set(dut.request.ready, int(read))
        now = b""
        async for _, _, valid, ready, payload in ctx.tick().sample(
            dut.request.valid, dut.request.ready, dut.request.payload
        ):
            if valid and ready:
                now += bytes([payload.data])
                if payload.last:
                    got.append(now)
                    now = b""

    simulate(dut, host, processes=[take])
    return got


def test_whole_messages_arrive() -> None:
    rng = random.Random(1)
    sent = [
        bytes(rng.choice((0, 1, 255, rng.randrange(256))) for _ in range(size))
        for size in (2, 3, 17, 250, 2, 249)
    ]
    assert received(b"".join(b"\0" + frame(one) for one in sent)) == sent


def test_what_is_too_short_too_long_or_wrong_does_not() -> None:
    good = frame(b"good")
    for bad in (
        frame(b"x"),
        frame(b"abcd")[:-2] + b"\0",
        frame(b"abcd")[1:],
        bytes([255] * 300) + b"\0",
        b"\x05abc\0",
        b"\0\0\0",
    ):
        assert received(bad + good) == [b"good"], bad


def test_a_lost_byte_spoils_the_frame_that_it_was_in() -> None:
    line = b"\0" + frame(b"one") + b"\0" + frame(b"two")
    first = len(frame(b"one")) + 1
    assert received(line, lost=3) == [b"two"]
    assert received(line, lost=first) == [b"one", b"two"]  # the zero before a frame ends it
    assert received(line, lost=first + 1) == [b"one"]


def test_messages_wait_until_they_are_read() -> None:
    """As many as there is room for; the others are dropped as a whole."""
    sent = [bytes([n]) * 100 for n in range(1, 9)]
    got = received(b"".join(map(frame, sent)), read=False)
    assert got == sent[: len(got)]
    assert len(got) == 5  # 101 of 512 bytes each, and 4 more while one arrives


def test_a_sender_makes_the_frames_of_the_host() -> None:
    record = [0, 7, 0, 255]
    dut = FrameSender(record=record)
    rng = random.Random(2)
    sent = [
        bytes(rng.choice((0, 1, 255, rng.randrange(256))) for _ in range(size))
        for size in (4, 9, 250)
    ]
    got: list[bytes] = []

    async def board(ctx):
        for one in sent:
            for nth, byte in enumerate(one):
                token = {"data": byte, "last": nth == len(one) - 1, "copy": 0}
                await put(ctx, dut.tokens, token)
        ctx.set(dut.record_en, 1)
        ctx.set(dut.record_addr, 2)
        ctx.set(dut.record_data, 9)
        await ctx.tick().until(dut.tokens.ready)
        ctx.set(dut.record_en, 0)
        for nth in range(4):
            await put(ctx, dut.tokens, {"data": nth, "last": nth == 3, "copy": 1})

    async def line(ctx):
        for _ in range(len(sent) + 1):
            raw = b""
            while not raw.endswith(b"\0"):
                raw += bytes([await get(ctx, dut.bytes)])
            got.append(raw)

    simulate(dut, board, line)
    assert got[:-1] == [frame(one) for one in sent]
    assert message(got[-1][:-1]) == bytes([0, 7, 9, 255])


def test_speeds() -> None:
    dut = Speed(divisor=16)

    async def script(ctx):
        for wanted in (0, 3, 4, 8, 9, 15, 16, 17, 256 + 8):
            ctx.set(dut.wanted, wanted)
            assert ctx.get(dut.fine) == (wanted in (4, 8, 16)), wanted
        ctx.set(dut.wanted, 8)
        ctx.set(dut.apply, 1)
        await ctx.tick()
        ctx.set(dut.apply, 0)
        ctx.set(dut.lost, 1)
        await ctx.tick().repeat(LOST - 1)
        ctx.set(dut.whole, 1)
        ctx.set(dut.lost, 0)
        await ctx.tick()
        ctx.set(dut.whole, 0)
        ctx.set(dut.lost, 1)
        await ctx.tick().repeat(LOST - 1)
        assert ctx.get(dut.divisor) == 8
        await ctx.tick()
        assert ctx.get(dut.divisor) == 16

    simulate(dut, script)


def test_a_buffer_must_hold_a_message() -> None:
    with pytest.raises(ElsieError, match="power of two from 512 on, not 256"):
        FrameReceiver(buffer=256, timeout=9)
