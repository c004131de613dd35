"""Thousands of damaged frames to a whole, compiled board (docs/protocol.md)."""

import bisect
import random
from pathlib import Path

import pytest

from boards.link.frames import message, request
from boards.link.identity import NETWORK_AT
from boards.link.protocol import Command, State, Status
from tests.boards.link.damage import BYTES, LEVELS, ORDER, Damage, judge
from tests.boards.link.script import BYTE, Heard, Script, tiny

KINDS = (*BYTES, *ORDER, *LEVELS)
LIMIT = 240 * BYTE
"""An answer to IDENTIFY is 160 bytes; before it come those that were on their way."""


ROUNDS = 2000
"""In the suite."""


def check(folder: Path, *, seed: int, rounds: int) -> dict[str, int]:
    """Damage of all kinds in turn; returns how often a board told of it."""
    damage = Damage(tiny(seed), seed)
    for number in range(rounds):
        damage.round(KINDS[number % len(KINDS)])
    heard = damage.script.play(folder)
    cycles = [one.cycle for one in heard]
    told = dict.fromkeys(KINDS, 0)
    for one in damage.rounds:
        mine = heard[bisect.bisect(cycles, one.begin) : bisect.bisect(cycles, one.end)]
        wrong = judge(one, mine, LIMIT)
        assert wrong is None, f"{one}: {wrong}; the board said {mine}"
        told[one.kind] += any(h.answer and h.answer.status == Status.DAMAGED for h in mine)
    return told


def test_damaged_frames(tmp_path: Path) -> None:
    told = check(tmp_path, seed=1, rounds=ROUNDS)
    each = ROUNDS // len(KINDS)
    assert told["repeat"] == told["reorder"] == told["lose"] == 0  # all are whole
    assert told["wrong checksum"] >= each
    for kind in ("flip", "drop", "cut", "insert", "long", "silence", "noise"):
        assert told[kind] > each / 2, kind


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_thousand_damaged_frames(seed: int, tmp_path: Path) -> None:
    check(tmp_path, seed=seed, rounds=10_000)


def damaged_load(script: Script, net, rng: random.Random) -> bool:
    """BEGIN, LOADs, COMMIT, one of which is damaged on the way; whether the network is whole."""
    frames = [
        request((script.number + n) % 256, command, payload)
        for n, (command, payload) in enumerate(
            [
                (Command.BEGIN, b""),
                *((Command.LOAD, piece) for piece in net.pieces),
                (Command.COMMIT, net.commit),
            ]
        )
    ]
    at = rng.randrange(len(frames))
    kind = rng.choice(("flip", "drop", "cut", "lose", "repeat", "swap", "none"))
    sent = list(frames)
    if kind == "flip":
        raw = bytearray(sent[at])
        raw[rng.randrange(1, len(raw) - 1)] ^= 1 << rng.randrange(8)
        sent[at] = bytes(raw)
    elif kind == "drop":
        raw = bytearray(sent[at])
        del raw[rng.randrange(1, len(raw) - 1)]
        sent[at] = bytes(raw)
    elif kind == "cut":
        sent[at] = sent[at][: rng.randrange(1, len(sent[at]) - 1)]
    elif kind == "lose":
        del sent[at]
    elif kind == "repeat":
        sent.insert(at, sent[at])
    elif kind == "swap":
        other = (at + 1) % len(sent)
        sent[at], sent[other] = sent[other], sent[at]
    for one in sent:
        script.send(one, gap=16 * BYTE)
    return kind in ("repeat", "none")


def check_loads(folder: Path, *, seed: int, rounds: int) -> None:
    """Loads that are damaged: a half-loaded network never answers, and a whole one is right."""
    script, rng = Script(), random.Random(seed)
    nets = [tiny(seed), tiny(seed + 1000)]
    x = nets[0].image.entries[:1, :6].astype(int) % 100
    script.load(nets[0])
    expected: list[tuple[int, bool, int]] = []
    for _ in range(rounds):
        which = rng.randrange(2)
        whole = damaged_load(script, nets[which], rng)
        script.request(Command.IDENTIFY, b"abcd", gap=190 * BYTE)
        expected.append((script.number, whole, which))
        script.request(Command.RUN, nets[which].run(x), gap=60 * BYTE)
    heard = [one.answer for one in script.play(folder)]
    assert None not in heard
    identities = [one for one in heard if one and one.command == Command.IDENTIFY]
    runs = [one for one in heard if one and one.command == Command.RUN]
    assert len(identities) == len(runs) == rounds
    loaded: bytes | None = nets[0].hash
    for (number, whole, which), identity, ran in zip(expected, identities, runs, strict=True):
        state = State(identity.payload[4])
        hashed = identity.payload[9 + NETWORK_AT :][:8]
        assert ran.number == number
        if whole:
            loaded = nets[which].hash
        elif State.LOADED not in state:
            loaded = None
        # Without a whole load there is the network from before, if BEGIN was lost, or none.
        assert (State.LOADED in state) == (loaded is not None)
        if loaded is None:
            assert ran.status == Status.NOT_LOADED
            continue
        assert hashed == loaded
        (net,) = (one for one in nets if one.hash == loaded)
        assert ran.status == Status.OK
        assert net.right(x, ran.payload)


def test_damaged_loads(tmp_path: Path) -> None:
    check_loads(tmp_path, seed=1, rounds=150)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_damaged_loads(tmp_path: Path) -> None:
    check_loads(tmp_path, seed=2, rounds=3000)


def test_the_oracle_knows_a_whole_frame() -> None:
    """The judge itself can fail: an answer that is not golden's is found."""
    damage = Damage(tiny(1), 1)
    damage.round("repeat")
    (one,) = damage.rounds
    assert one.certain == [(one.number - 1, Command.RUN)]
    from boards.link.frames import Answer

    def said(number: int, value: int, cycle: int) -> Heard:
        payload = bytes([one.net.network.layers[-1].position.tolist()[0], value, 0x80, 1, 0, 0, 0])
        answer = Answer(number=number, command=Command.RUN, part=0, payload=payload, status=0)
        return Heard(answer=answer, cycle=cycle)

    heard = [said(one.number - 1, 1, one.begin), said(one.run, 1, one.asked + 10)]
    assert judge(one, heard, LIMIT) == "the request behind the damage has a wrong answer"
    assert (
        judge(one, heard[:1], LIMIT) == f"request {one.number} is not answered within 9600 cycles"
    )
    assert message(request(1, Command.RESET)[1:-1]) == bytes([1, 2])
