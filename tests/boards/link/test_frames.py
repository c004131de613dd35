"""Frames on the host's side."""

import random

import pytest

from boards.link import frames
from boards.link.protocol import REQUEST_PAYLOAD, Command, Status


@pytest.mark.parametrize("size", [1, 2, 100, 249, 250])
def test_a_message_comes_back(size: int) -> None:
    rng = random.Random(size)
    for _ in range(50):
        message = bytes(rng.choice((0, 0, 1, 255, rng.randrange(256))) for _ in range(size))
        raw = frames.frame(message)
        assert raw.endswith(b"\0")
        assert raw.count(0) == 1
        assert len(raw) == size + 6  # COBS adds one byte exactly
        assert frames.message(raw[:-1]) == message


def test_too_long() -> None:
    with pytest.raises(ValueError, match="too long"):
        frames.frame(bytes(251))
    with pytest.raises(ValueError, match="carries 248 bytes"):
        frames.request(0, Command.RUN, bytes(REQUEST_PAYLOAD + 1))


def test_every_damaged_bit_is_found() -> None:
    raw = frames.request(3, Command.RUN, b"\x04abc\x00def")[1:-1]
    for at in range(8 * len(raw)):
        damaged = bytearray(raw)
        damaged[at // 8] ^= 1 << at % 8
        if 0 not in damaged:
            assert frames.message(bytes(damaged)) is None


def test_an_answer() -> None:
    raw = frames.frame(bytes([1, 2, 3]) + b"payload" + bytes([Status.MORE]))[:-1]
    found = frames.answer(raw)
    assert found == frames.Answer(number=1, command=2, part=3, payload=b"payload", status=1)
    assert frames.answer(frames.frame(bytes([1, 2, 3]))[:-1]) is None
    assert frames.answer(frames.frame(bytes([1, 2, 3, 99]))[:-1]) is None


def test_frames_in_pieces() -> None:
    rng = random.Random(1)
    sent = [rng.randbytes(rng.randrange(1, 250)) for _ in range(20)]
    line = b"".join(b"\0" * rng.randrange(3) + frames.frame(one) for one in sent)
    splitter, got = frames.Splitter(), []
    while line:
        size = rng.randrange(1, 40)
        got += [frames.message(raw) for raw in splitter.feed(line[:size])]
        line = line[size:]
    assert got == sent


def test_noise_without_an_end_is_not_kept() -> None:
    splitter = frames.Splitter()
    for _ in range(100):
        assert not list(splitter.feed(b"x" * 100))
    assert len(splitter._rest) < 400
    assert [frames.message(raw) for raw in splitter.feed(b"\0" + frames.frame(b"ab"))] == [
        None,
        b"ab",
    ]
    list(splitter.feed(b"half"))
    splitter.clear()
    assert [frames.message(raw) for raw in splitter.feed(frames.frame(b"ab"))] == [b"ab"]
