"""Damage to what a host sends, and what a board may make of it.

The oracle is the host's own decoder (the package cobs, zlib's CRC-32) on the bytes that went over
the line. Where the line's levels are damaged and not its bytes, nobody knows which bytes a receiver
sees: then the board may do a request, or not, but nothing else.
"""

import random
from dataclasses import dataclass, field

import numpy as np

from boards.link.frames import Answer, Splitter, frame, message, request
from boards.link.protocol import Command, Status
from tests.boards.link.script import BYTE, DIVISOR, N_IN, TIMEOUT, Heard, Loaded, Script

PAUSE = 11 * DIVISOR
"""Cycles of an idle line after which a receiver is in step again: 11 bits."""


def _edit(rng: random.Random, data: bytes, kind: str) -> bytes:
    """Bytes of frames, damaged."""
    raw, at = bytearray(data), rng.randrange(len(data))
    if kind == "flip":
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    elif kind == "drop":
        del raw[at : at + rng.choice((1, 1, 2, 5))]
    elif kind == "insert":
        raw[at:at] = rng.randbytes(rng.choice((1, 1, 2, 5)))
    elif kind == "replace":
        raw[at] = rng.choice((0, 255, rng.randrange(256)))
    elif kind == "swap":
        other = min(len(raw) - 1, at + rng.choice((1, 1, 2, 4)))
        raw[at], raw[other] = raw[other], raw[at]
    elif kind == "cut":
        del raw[at:]
    elif kind == "behead":
        del raw[:at]
    elif kind == "double":
        raw[at:at] = raw[: rng.randrange(1, len(raw))]
    elif kind == "garbage":
        raw[:] = rng.randbytes(rng.randrange(1, 60))
    elif kind == "long":
        raw[:] = bytes([0, *(rng.randrange(1, 256) for _ in range(rng.randrange(250, 600))), 0])
    elif kind == "zeros":
        raw[at:at] = bytes(rng.randrange(1, 20))
    return bytes(raw)


BYTES = (
    *("flip", "drop", "insert", "replace", "swap", "cut", "behead", "double", "garbage", "long"),
    "zeros",
)
ORDER = ("repeat", "reorder", "lose", "merge", "wrong checksum")
LEVELS = ("stop bit", "glitch", "break", "noise", "speed", "silence")


@dataclass(kw_only=True)
class Round:
    """Some damage, and the requests behind it that must be answered."""

    kind: str
    begin: int
    """Cycle in which the damage begins."""
    asked: int
    """Cycle in which the first request behind it ends."""
    end: int
    """Cycle up to which everything belongs to this round."""
    certain: list[tuple[int, int]]
    """Number and command of requests that arrived whole and in order, if bytes tell."""
    possible: list[bytes]
    """Messages that were sent as they are, whole or not."""
    broken: bool
    """Some frame surely was not whole."""
    x: np.ndarray
    """What the damaged request carried."""
    y: np.ndarray
    """What the one behind it carries."""
    number: int
    """The first request behind the damage."""
    run: int
    """The RUN behind it."""
    net: Loaded = field(repr=False)
    """The network."""


class Damage:
    """Rounds of damage on one script."""

    def __init__(self, net: Loaded, seed: int) -> None:
        self.net, self.random = net, random.Random(seed)
        self.vectors = np.random.default_rng(seed)
        self.script = Script()
        self.script.load(net)
        self.script.level(1, 40 * BYTE)
        self.rounds: list[Round] = []

    def round(self, kind: str) -> None:
        """A RUN that is damaged, then a request that must be answered at once, and a RUN."""
        script, rng = self.script, self.random
        x, y = self._vector(), self._vector()
        number, begin = script.number, script.cycle
        sent = request(number, Command.RUN, self.net.run(x))
        more = request((number + 1) % 256, Command.RUN, self.net.run(x))
        messages = [message(one[1:-1]) or b"" for one in (sent, more)]
        if kind in LEVELS:
            self._levels(kind, sent)
            certain, broken = [], False
        else:
            data = self._bytes(kind, sent, more)
            script.send(data)
            certain, broken = self._whole(data + b"\0", number)
        # What was surely done counts; else IDENTIFY agrees on a number.
        script.number = (number + len(certain)) % 256
        agree = kind in LEVELS or rng.random() < 0.1
        if kind in LEVELS:
            script.level(1, PAUSE)
        if agree:
            first = script.request(Command.IDENTIFY, b"abcd")
            asked = script.cycle
            run = script.request(Command.RUN, self.net.run(y), gap=260 * BYTE)
        else:
            first = run = script.request(Command.RUN, self.net.run(y))
            asked = script.cycle
            script.level(1, 90 * BYTE)
        self.rounds.append(
            Round(
                kind=kind,
                begin=begin,
                asked=asked,
                end=script.cycle,
                certain=certain,
                possible=messages,
                broken=broken,
                x=x,
                y=y,
                number=first,
                run=run,
                net=self.net,
            )
        )

    def _vector(self) -> np.ndarray:
        return self.vectors.integers(-128, 128, (1, N_IN))

    def _bytes(self, kind: str, sent: bytes, more: bytes) -> bytes:
        """What goes over the line instead."""
        if kind in BYTES:
            return _edit(self.random, sent, kind)
        if kind == "repeat":
            return sent * self.random.choice((2, 3))
        if kind == "reorder":
            return more + sent
        if kind == "lose":
            return more
        if kind == "merge":
            return sent.rstrip(b"\0") + more.lstrip(b"\0")
        wrong = bytearray(message(sent[1:-1]) or b"")
        wrong[self.random.randrange(len(wrong))] ^= 1 << self.random.randrange(8)
        checksum = frame(message(sent[1:-1]) or b"")  # that of the right message
        assert message(checksum[:-1])
        from cobs import cobs

        return b"\0" + cobs.encode(bytes(wrong) + cobs.decode(sent[1:-1])[-4:]) + b"\0"

    def _whole(self, data: bytes, number: int) -> tuple[list[tuple[int, int]], bool]:
        """Requests that arrive whole and in order; whether a frame is none."""
        done, broken = [], False
        for raw in Splitter().feed(data):
            found = message(raw)
            if found is None or len(found) < 2:
                broken = True
            elif found[0] == (number + len(done)) % 256:
                done.append((found[0], found[1]))
        return done, broken

    def _levels(self, kind: str, sent: bytes) -> None:
        """The bytes as they are, on a line that is not."""
        script, rng = self.script, self.random
        at = rng.randrange(len(sent))
        speed = DIVISOR * rng.choice((0.5, 0.7, 0.85, 1.15, 1.4, 2, 3))
        for number, value in enumerate(sent):
            if kind == "speed":
                script.byte(value, bit=speed)
            elif number != at:
                script.byte(value)
            elif kind == "stop bit":
                script.byte(value, stop=0)
            elif kind == "glitch":
                script.level(rng.randrange(2), rng.randrange(1, 2 * DIVISOR))
                script.byte(value)
            elif kind == "break":
                script.level(0, rng.randrange(1, 30) * DIVISOR)
                script.level(1, rng.randrange(0, 12) * DIVISOR)
            elif kind == "noise":
                for _ in range(rng.randrange(3, 60)):
                    script.level(rng.randrange(2), rng.randrange(1, 9))
            else:  # a silence within the frame: it is dropped
                script.level(1, TIMEOUT + rng.randrange(100))
                script.byte(value)


def judge(one: Round, heard: list[Heard], limit: int) -> str | None:
    """What is wrong with what the board said in a round; None if nothing is.

    limit: cycles in which the first request behind the damage must be answered.
    """
    answers = [each.answer for each in heard]
    if None in answers:
        return "a damaged answer"
    found = [each for each in answers if each is not None]
    of_first = [h.cycle for h in heard if h.answer and h.answer.number == one.number]
    behind = [cycle for cycle in of_first if cycle > one.asked]
    if not behind or min(behind) - one.asked > limit:
        return f"request {one.number} is not answered within {limit} cycles"
    last = found[-1]
    if (last.number, last.command, last.status) != (one.run, Command.RUN, Status.OK):
        return f"the last answer is {last}"
    if not one.net.right(one.y, last.payload):
        return "the request behind the damage has a wrong answer"
    before = found[: -2 if one.number != one.run else -1]
    return _before(one, before)


def _before(one: Round, before: list[Answer]) -> str | None:
    """Answers to what was damaged."""
    done = [a for a in before if a.status == Status.OK]
    told = [a for a in before if a.status == Status.DAMAGED]
    known = {(m[0], m[1]) for m in one.possible}
    for each in done:
        if (each.number, each.command) not in known:
            return f"{each} answers what was never sent"
        if each.command != Command.RUN or not one.net.right(one.x, each.payload):
            return f"{each} is a wrong answer"
    if {a.status for a in before} - {Status.OK, Status.DAMAGED, Status.SEQUENCE}:
        return f"an unexpected status: {before}"
    if one.kind in LEVELS:
        return None if len(done) <= 1 else "one request is done twice"
    if [(a.number, a.command) for a in done] != one.certain:
        return f"done is {done}, and arrived has {one.certain}"
    if one.broken and not told:
        return "the board does not tell of a damaged frame"
    return None
