# amaranth: UnusedElaboratable=no
"""The whole board, compiled, at its two pins: every command, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boards.gateware.top import BoardTop
from boards.link.frames import Answer, request
from boards.link.identity import NETWORK_AT, Identity
from boards.link.protocol import Command, Loads, State, Status
from golden.errors import ElsieError
from golden.timing.model import TimingModel
from tests.boards.gateware.networks import network
from tests.boards.link.script import BYTE, DIVISOR, N_IN, TIMEOUT, TINY, Script, tiny

A, B = tiny(1), tiny(2)
SHORT, LONG = 12 * BYTE, 170 * BYTE
"""Gaps for answers."""


def vectors(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (count, N_IN))


def answers(script: Script, folder: Path) -> list[Answer]:
    """All answers; there is none that is damaged."""
    found = [heard.answer for heard in script.play(folder)]
    assert None not in found
    return [one for one in found if one is not None]


def only(found: list[Answer], command: Command) -> list[Answer]:
    return [one for one in found if one.command == command]


def statuses(found: list[Answer]) -> list[Status]:
    return [Status(one.status) for one in found]


def test_identify_load_run_load_run(tmp_path: Path) -> None:
    script, x = Script(), vectors(4)
    script.number = 200  # IDENTIFY is taken with any number
    script.request(Command.IDENTIFY, b"abcd", gap=LONG)
    for net in (A, B):
        script.load(net)
        script.request(Command.RUN, net.run(x), gap=LONG)
        script.request(Command.IDENTIFY, b"efgh", gap=LONG)
    found = answers(script, tmp_path)
    assert set(statuses(found)) == {Status.OK}
    before, *after = only(found, Command.IDENTIFY)
    assert before.payload[:9] == b"abcd" + bytes(5)
    identity = Identity.unpack(before.payload[9:])
    assert identity.config == TINY
    assert identity.loads is Loads.EVERYTHING
    assert (identity.clock_hz, identity.divisor, identity.buffer) == (1_000_000, DIVISOR, 512)
    for net, one in zip((A, B), after, strict=True):
        assert one.payload[:5] == b"efgh" + bytes([State.LOADED])
        assert one.payload[5:9] == net.commit[:4]
        assert Identity.unpack(one.payload[9:]) == replace(identity, network=net.hash)
    for net, one in zip((A, B), only(found, Command.RUN), strict=True):
        assert net.right(x, one.payload)


def test_cycles_and_counters_are_those_of_golden(tmp_path: Path) -> None:
    script, x = Script(), vectors(3)
    script.load(A)
    script.request(Command.RUN, A.run(x), gap=LONG)
    script.request(Command.COUNTERS, gap=LONG)
    found = answers(script, tmp_path)
    (ran,) = only(found, Command.RUN)
    (counted,) = only(found, Command.COUNTERS)
    model = TimingModel(A.image)
    counters = [model.run(row[None], reset=(True,), answer=True)[1] for row in x]
    at, cycles = 0, []
    while at < len(ran.payload):
        if ran.payload[at] == 0x80:
            cycles.append(int.from_bytes(ran.payload[at + 1 : at + 5], "little"))
            at += 5
        else:
            at += 2
    assert cycles == [one.cycles for one in counters]
    last = counters[-1]
    expected = (last.cycles, last.macs, last.stalls, last.starved)
    assert np.frombuffer(counted.payload[:16], "<u4").tolist() == list(expected)
    assert counted.payload[16:] == bytes(2)


def test_without_a_network_nothing_runs(tmp_path: Path) -> None:
    script, x = Script(), vectors(1)
    script.request(Command.RUN, A.run(x), gap=SHORT)
    script.request(Command.LOAD, A.pieces[0], gap=SHORT)
    script.request(Command.COMMIT, A.commit, gap=SHORT)
    script.load(A)
    script.request(Command.RUN, A.run(x), gap=LONG)
    script.request(Command.BEGIN, gap=SHORT)
    script.request(Command.RUN, A.run(x), gap=SHORT)
    script.request(Command.LOAD, A.pieces[0], gap=SHORT)
    script.request(Command.COMMIT, A.commit, gap=SHORT)  # of which most is missing
    script.request(Command.RUN, A.run(x), gap=SHORT)
    script.request(Command.LOAD, A.pieces[1], gap=LONG)  # without another BEGIN
    found = answers(script, tmp_path)
    assert statuses(only(found, Command.RUN)) == [
        Status.NOT_LOADED,
        Status.OK,
        Status.NOT_LOADED,
        Status.NOT_LOADED,
    ]
    commits = statuses(only(found, Command.COMMIT))
    assert commits == [Status.REFUSED, Status.OK, Status.CHECKSUM]
    loads = statuses(only(found, Command.LOAD))
    assert loads == [Status.REFUSED, *[Status.OK] * len(A.pieces), Status.OK, Status.REFUSED]


@pytest.mark.parametrize(
    ("piece", "status"),
    [
        (A.pieces[0][:3], Status.LENGTH),
        (A.pieces[0][:6], Status.LENGTH),
        (A.pieces[0][:-1], Status.LENGTH),
        (b"\x04" + A.pieces[0][1:], Status.REFUSED),
    ],
)
def test_a_wrong_load_spoils_what_is_loaded(piece: bytes, status: Status, tmp_path: Path) -> None:
    """Though the checksum of everything that was sent is right."""
    import zlib

    script = Script()
    script.request(Command.BEGIN, gap=SHORT)
    for one in (*A.pieces, piece):
        script.request(Command.LOAD, one, gap=SHORT)
    total = zlib.crc32(b"".join((*A.pieces, piece))).to_bytes(4, "little")
    script.request(Command.COMMIT, total + A.commit[4:], gap=SHORT)
    script.request(Command.RUN, A.run(vectors(1)), gap=SHORT)
    script.load(A)
    script.request(Command.RUN, A.run(vectors(1)), gap=LONG)
    found = answers(script, tmp_path)
    assert only(found, Command.LOAD)[len(A.pieces)].status == status
    assert only(found, Command.COMMIT)[0].status == Status.CHECKSUM
    spoiled, whole = only(found, Command.RUN)
    assert spoiled.status == Status.NOT_LOADED
    assert A.right(vectors(1), whole.payload)


def test_a_step_in_pieces(tmp_path: Path) -> None:
    script, x = Script(), vectors(3)
    script.load(A)
    raw = A.run(x)[1:]
    for first, last in ((0, 4), (4, 5), (5, 14), (14, 18)):
        script.request(Command.RUN, b"\x04" + raw[first:last], gap=LONG)
    found = only(answers(script, tmp_path), Command.RUN)
    assert set(statuses(found)) == {Status.OK}
    assert not found[0].payload
    assert not found[1].payload
    assert A.right(x[:2], found[2].payload)
    assert A.right(x[2:], found[3].payload)


def test_half_a_step_is_abandoned(tmp_path: Path) -> None:
    script, x = Script(), vectors(2)
    script.load(A)
    script.request(Command.RUN, A.run(x)[:4], gap=SHORT)
    script.request(Command.IDENTIFY, b"1234", gap=LONG)
    script.request(Command.BEGIN, gap=SHORT)
    script.request(Command.RESET, gap=LONG)
    script.request(Command.RESET, gap=LONG)
    script.request(Command.RUN, A.run(x), gap=LONG)
    found = answers(script, tmp_path)
    assert only(found, Command.IDENTIFY)[0].payload[4] == State.LOADED | State.PARTLY
    assert only(found, Command.BEGIN)[-1].status == Status.REFUSED
    assert statuses(only(found, Command.RESET)) == [Status.OK, Status.OK]
    assert A.right(x, only(found, Command.RUN)[-1].payload)


def test_wrong_lengths_and_commands(tmp_path: Path) -> None:
    script, x = Script(), vectors(1)
    script.load(A)
    cases = [
        (Command.RESET, b"x", Status.LENGTH),
        (Command.COUNTERS, b"xy", Status.LENGTH),
        (Command.BEGIN, b"x", Status.LENGTH),
        (Command.IDENTIFY, b"", Status.LENGTH),
        (Command.IDENTIFY, b"abc", Status.LENGTH),
        (Command.IDENTIFY, b"abcde", Status.LENGTH),
        (Command.SPEED, b"a", Status.LENGTH),
        (Command.SPEED, b"abc", Status.LENGTH),
        (Command.LOAD, b"", Status.LENGTH),
        (Command.RUN, b"", Status.LENGTH),
        (Command.RUN, b"\x04", Status.LENGTH),
        (Command.NONE, b"", Status.COMMAND),
        (Command.NONE, b"x", Status.LENGTH),
        (Command.SPEED, (3).to_bytes(2, "little"), Status.REFUSED),
        (Command.SPEED, (5).to_bytes(2, "little"), Status.REFUSED),
        (Command.SPEED, (DIVISOR + 256).to_bytes(2, "little"), Status.REFUSED),
        (Command.SPEED, DIVISOR.to_bytes(2, "little"), Status.OK),
    ]
    for command, payload, _ in cases:
        script.request(command, payload, gap=2 * SHORT)
    script.request(Command.RUN, A.run(x), gap=LONG)
    found = answers(script, tmp_path)[len(A.pieces) + 2 :]
    assert [(one.command, one.status) for one in found[:-1]] == [(c, s) for c, _, s in cases]
    assert A.right(x, found[-1].payload)


def test_a_request_is_done_once(tmp_path: Path) -> None:
    script, x = Script(), vectors(1)
    script.load(A)
    number = script.number
    payload = A.run(x)
    for one in (number, number, number + 1, number + 3, number + 1, number + 2):
        script.send(request(one % 256, Command.RUN, payload), gap=LONG)
    found = only(answers(script, tmp_path), Command.RUN)
    ok, wrong = Status.OK, Status.SEQUENCE
    assert statuses(found) == [ok, wrong, ok, wrong, wrong, ok]
    assert [one.number for one in found] == [number + n for n in (0, 0, 1, 3, 1, 2)]
    assert all(A.right(x, one.payload) for one in found if one.status == ok)


def test_an_answer_in_parts(tmp_path: Path) -> None:
    """More results than a frame holds, and the next request already waits."""
    script, x = Script(), vectors(40)
    script.load(A)
    script.request(Command.RUN, A.run(x))
    script.request(Command.RUN, A.run(x[:1]), gap=1500 * BYTE)
    found = only(answers(script, tmp_path), Command.RUN)
    *more, last, other = found
    assert len(more) >= 2
    assert {one.status for one in more} == {Status.MORE}
    assert [one.part for one in (*more, last)] == list(range(len(more) + 1))
    assert A.right(x, b"".join(one.payload for one in (*more, last)))
    assert (other.part, other.status) == (0, Status.OK)
    assert A.right(x[:1], other.payload)


def test_requests_are_taken_while_others_run(tmp_path: Path) -> None:
    """Back to back, as many as the buffer holds; answers come in order."""
    script, x = Script(), vectors(60, seed=3)
    script.load(A)
    numbers = [script.request(Command.RUN, A.run(x[n : n + 5])) for n in range(0, 60, 5)]
    script.level(1, 300 * BYTE)
    found = only(answers(script, tmp_path), Command.RUN)
    assert [one.number for one in found if one.status == Status.OK] == numbers[: len(found)]
    assert len(found) >= 6
    for nth, one in enumerate(found):
        assert A.right(x[5 * nth : 5 * nth + 5], one.payload)


def test_an_overflow_drops_whole_frames(tmp_path: Path) -> None:
    """More requests than there is room for: what is dropped is told of, what is not is right."""
    script, x = Script(), vectors(40, seed=4)
    script.load(A)
    for _ in range(8):  # each with a long answer
        script.request(Command.RUN, A.run(x))
    script.level(1, 5000 * BYTE)
    script.request(Command.IDENTIFY, b"abcd", gap=LONG)
    script.request(Command.RUN, A.run(x[:2]), gap=LONG)
    found = answers(script, tmp_path)
    told = {Status(one.status) for one in found}
    assert told == {Status.OK, Status.MORE, Status.DAMAGED, Status.SEQUENCE} or told == {
        Status.OK,
        Status.MORE,
        Status.DAMAGED,
    }
    assert A.right(x[:2], found[-1].payload)


def test_a_cut_frame_is_dropped_after_a_silence(tmp_path: Path) -> None:
    script, x = Script(), vectors(1)
    script.load(A)
    whole = request(script.number, Command.RUN, A.run(x))
    script.send(whole[:-5], gap=TIMEOUT + 20 * BYTE)
    script.send(whole[1:], gap=LONG)  # no zero comes before it
    found = answers(script, tmp_path)
    assert found[-2].status == Status.DAMAGED
    assert found[-2].command == Command.NONE
    assert found[-2].number == script.number
    assert A.right(x, found[-1].payload)


def test_networks_that_a_board_refuses() -> None:
    with pytest.raises(ElsieError, match="at most 4095"):
        BoardTop(config=TINY, clock_hz=1, divisor=4096)
    with pytest.raises(ElsieError, match="power of two"):
        BoardTop(config=TINY, clock_hz=1, divisor=4, buffer=600)
    with pytest.raises(ElsieError, match="give a network"):
        BoardTop(clock_hz=1, divisor=4)
    net = network()
    baked = BoardTop(network=net, clock_hz=1, divisor=4)
    assert baked.loads is Loads.NOTHING
    record = baked.identity.pack()
    assert record[NETWORK_AT : NETWORK_AT + 8] == baked.identity.network != bytes(8)
