# amaranth: UnusedElaboratable=no
"""The loader: frames of bytes become words of the load port, or nothing at all."""

import zlib

import numpy as np
import pytest

from boards.gateware.loader import LOADED, Loader, load_frame
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import encode
from rtl.load import LoadTarget
from sim.harness import put, simulate
from sim.load import load_words
from tests.boards.gateware.networks import CONFIG
from tests.networks import random_network, small_config

DIVISOR, TIMEOUT = 4, 80
SPRAM = EngineConfig(
    **{**CONFIG.to_dict(), "entry_memory": "spram", "run_width": 4, "entry_depth": 64}
)
FRAME = bytes(np.random.default_rng(1).integers(0, 256, 4 * 3 * 2, dtype=np.uint8))
"""Three words for each of four PEs."""


class Line:
    """A loader, the words that it has written, and the bytes that it has let through."""

    def __init__(self, *, config: EngineConfig = SPRAM, frame: bytes = FRAME) -> None:
        self.dut = Loader(config=config, frame=frame, divisor=DIVISOR, timeout=TIMEOUT)
        self.words: list[tuple[int, int, int]] = []
        self.forwarded: list[int] = []
        self.sent: list[int] = []

    async def send(self, ctx, data: bytes, *, gap: int = 8) -> None:
        for byte in data:
            await put(ctx, self.dut.bytes, byte)
            await ctx.tick().repeat(gap)

    def run(self, script) -> None:
        async def watch(ctx):
            load, forward, transmit = self.dut.load, self.dut.forward, self.dut.transmit
            async for _, _, valid, word, byte_valid, byte, sent, reply in ctx.tick().sample(
                *(load.valid, load.payload, forward.valid, forward.payload),
                *(transmit.valid & transmit.ready, transmit.payload),
            ):
                if valid:
                    assert word.target == LoadTarget.ENTRY
                    self.words.append((word.unit, word.address, word.data))
                if byte_valid:
                    self.forwarded.append(byte)
                if sent:
                    self.sent.append(reply)

        async def taker(ctx):
            ctx.set(self.dut.forward.ready, 1)
            ctx.set(self.dut.transmit.ready, 1)
            await script(ctx)

        simulate(self.dut, taker, processes=[watch], max_cycles=20_000)


def expected(frame: bytes = FRAME, *, pes: int = 4) -> list[tuple[int, int, int]]:
    """The words of a frame, in order."""
    count = len(frame) // 2 // pes
    return [
        (number // count, number % count, frame[2 * number] | frame[2 * number + 1] << 8)
        for number in range(pes * count)
    ]


def test_a_frame_is_written_and_later_bytes_pass() -> None:
    line = Line()

    async def script(ctx):
        await line.send(ctx, FRAME[:-1])
        assert not ctx.get(line.dut.loaded)
        await line.send(ctx, FRAME[-1:])
        assert ctx.get(line.dut.loaded)
        await line.send(ctx, b"\x01\xfe\x80")
        await ctx.tick().repeat(3 * TIMEOUT)
        await line.send(ctx, FRAME)
        assert ctx.get(line.dut.loaded)

    line.run(script)
    assert line.words == expected()
    assert line.forwarded == [1, 0xFE, 0x80, *FRAME]
    assert line.sent == [LOADED]


@pytest.mark.parametrize("byte", [0, 11, len(FRAME) - 1])
def test_a_wrong_byte_anywhere_needs_another_frame(byte: int) -> None:
    line = Line()
    wrong = bytearray(FRAME)
    wrong[byte] ^= 0x10

    async def script(ctx):
        await line.send(ctx, bytes(wrong))
        await ctx.tick().repeat(TIMEOUT // 2)
        assert not ctx.get(line.dut.loaded)
        assert line.sent == []
        await line.send(ctx, FRAME)
        assert ctx.get(line.dut.loaded)

    line.run(script)
    assert line.words == expected(bytes(wrong)) + expected()
    assert line.sent == [LOADED]


def test_the_next_frame_starts_with_the_first_pe() -> None:
    """Six PEs: their number does not wrap by itself."""
    line = Line(config=SPRAM.replace(pes=6, group=6, act_depth=64))

    async def script(ctx):
        await line.send(ctx, FRAME[::-1])
        await line.send(ctx, FRAME)
        assert ctx.get(line.dut.loaded)

    line.run(script)
    assert line.words == expected(FRAME[::-1], pes=6) + expected(pes=6)


@pytest.mark.parametrize("cut", [1, 2, len(FRAME) - 1])
def test_silence_within_a_frame_drops_it(cut: int) -> None:
    line = Line()

    async def script(ctx):
        await line.send(ctx, FRAME[:cut])
        await ctx.tick().repeat(TIMEOUT + 2)
        await line.send(ctx, FRAME)
        assert ctx.get(line.dut.loaded)

    line.run(script)
    assert line.words == expected()[: cut // 2] + expected()


def test_a_pause_shorter_than_the_silence_does_not_matter() -> None:
    line = Line()

    async def script(ctx):
        await line.send(ctx, FRAME[:5])
        await ctx.tick().repeat(TIMEOUT - 16)
        await line.send(ctx, FRAME[5:])
        assert ctx.get(line.dut.loaded)

    line.run(script)
    assert line.words == expected()


def test_replies_wait_until_the_host_is_told() -> None:
    line = Line()

    async def script(ctx):
        transmit, replies = line.dut.transmit, line.dut.replies
        ctx.set(transmit.ready, 0)
        await line.send(ctx, FRAME)
        ctx.set(replies.valid, 1)
        ctx.set(replies.payload, 0x57)
        for _ in range(20):
            await ctx.tick()
            assert (ctx.get(transmit.valid), ctx.get(transmit.payload)) == (1, LOADED)
            assert not ctx.get(replies.ready)
        assert line.sent == []
        ctx.set(transmit.ready, 1)
        await put(ctx, replies, 0x57)
        await put(ctx, replies, 0x58)
        await ctx.tick().repeat(5)
        assert not ctx.get(transmit.valid)

    line.run(script)
    assert line.sent == [LOADED, 0x57, 0x58]


def test_no_reply_may_come_before_the_entries() -> None:
    dut = Line().dut

    async def bench(ctx):
        ctx.set(dut.replies.valid, 1)
        for _ in range(3):
            await ctx.tick()

    with pytest.raises(AssertionError, match="a reply before the entries are loaded"):
        simulate(dut, bench)


def test_the_frame_of_a_network_holds_what_a_simulator_loads() -> None:
    config = small_config([9, 8, 5], entry_memory="spram")
    image = encode(random_network(np.random.default_rng(5), config, [9, 8, 5]))
    words = [
        (word["unit"], word["address"], word["data"])
        for word in load_words(image)
        if word["target"] is LoadTarget.ENTRY
    ]
    frame = load_frame(image)
    assert expected(frame, pes=config.pes) == words
    assert any(data for _, _, data in words)
    line = Line(config=config, frame=frame)

    async def script(ctx):
        await line.send(ctx, frame)
        assert ctx.get(line.dut.loaded)

    line.run(script)
    assert line.words == words


def test_the_checksum_is_that_of_zlib() -> None:
    """A frame with the same length and sum, but another checksum, is refused."""
    line, other = Line(), bytes([*FRAME[2:4], *FRAME[:2], *FRAME[4:]])
    assert zlib.crc32(other) != zlib.crc32(FRAME)

    async def script(ctx):
        await line.send(ctx, other)
        assert not ctx.get(line.dut.loaded)

    line.run(script)


def test_refusals() -> None:
    with pytest.raises(ElsieError, match="3 bytes"):
        Loader(config=SPRAM, frame=b"abc", divisor=4, timeout=TIMEOUT)
    with pytest.raises(ElsieError, match="timeout"):
        Loader(config=SPRAM, frame=FRAME, divisor=16, timeout=TIMEOUT)
    config = small_config([9, 5])
    image = encode(random_network(np.random.default_rng(5), config, [9, 5]))
    with pytest.raises(ElsieError, match="filled by the bitstream"):
        load_frame(image)
