"""Requests and answers (docs/protocol.md): windows, time-outs, recovery, speeds."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boards.gateware.uart import SHORTEST
from boards.link.frames import END, Answer, request
from boards.link.identity import Identity
from boards.link.protocol import CHECKSUM, LOST, REQUEST_HEAD, Command, State, Status
from elsie.host.errors import BoardError, Interrupted, NoAnswer, NoPort
from elsie.host.line import Line

SPEEDS = (3_000_000, 2_000_000, 1_500_000, 1_000_000, 921_600, 460_800, 230_400, 115_200)
"""What adapters can do, the fastest first."""
FIRST = SPEEDS[-1]
"""The speed of a board that has just been configured."""
TRIES = 4
"""How often a host tries to be understood at one speed."""
_NONCE = 4
_ZEROS = END * (2 * LOST)


@dataclass(frozen=True, kw_only=True)
class Found:
    """An answer to IDENTIFY."""

    state: State
    """Of the board."""
    checksum: int
    """Of the payloads of LOAD since BEGIN."""
    identity: Identity
    """Who it is."""


class Refused(BoardError):
    """The board said no."""

    def __init__(self, command: Command, status: Status) -> None:
        self.command, self.status = command, status
        super().__init__(f"the board answered {command.name} with {status.name} (docs/protocol.md)")


class Link:
    """The protocol on a line."""

    def __init__(self, line: Line, *, patience: float) -> None:
        """`patience`: seconds without an answer that are too long, beyond what the line takes."""
        self.line, self.patience = line, patience
        self._number = 0
        self._room = 0
        self._came: deque[Answer | None] = deque()
        self.damaged = 0
        """How often the board said DAMAGED."""
        self.recovered = 0
        """How often the host had to recover."""

    def identify(self) -> Found:
        """Find the board, at the speed that is set or at the first one.

        Raises NoAnswer when nothing answers.
        """
        for _ in range(TRIES):
            if found := self._ask():
                return found
        if self.line.baud != FIRST:
            self.line.baud = FIRST
            for _ in range(TRIES):
                if found := self._ask():
                    return found
        raise NoAnswer(
            f"nothing answers on port {self.line.name} at {FIRST} baud; is the board's bitstream "
            f"one of 'elsie build' (then 'elsie flash'), and is this its port?"
        )

    def _ask(self, patience: float | None = None) -> Found | None:
        """One IDENTIFY with a nonce of its own; None if its answer does not come."""
        self.line.clear()
        self._came.clear()
        nonce = os.urandom(_NONCE)
        self._number = os.urandom(1)[0]
        # The zeros bring a board that is at another speed back to the first one.
        self.line.send(_ZEROS + request(self._number, Command.IDENTIFY, nonce))
        while True:
            heard = False
            for one in self.line.answers(self._seconds(64, 256, patience)):
                heard = True
                if one and one.payload[:_NONCE] == nonce and one.status == Status.OK:
                    self._number = (self._number + 1) % 256
                    return self._found(one.payload[_NONCE:])
            if not heard:
                return None

    def _found(self, raw: bytes) -> Found:
        identity = Identity.unpack(raw[5:])
        self._room = identity.buffer - 32  # so that an IDENTIFY always has room
        return Found(
            state=State(raw[0] & 7),
            checksum=int.from_bytes(raw[1:5], "little"),
            identity=identity,
        )

    def _seconds(self, out: int, back: int, patience: float | None = None) -> float:
        """How long to wait for an answer of `back` bytes when `out` bytes are on their way."""
        wait = self.patience if patience is None else patience
        return wait + 10 * (out + back) / self.line.baud

    def speed_up(self, identity: Identity, *, most: int | None) -> None:
        """The fastest speed that board, adapter and `most` allow, and that works.

        Raises NoAnswer when the board is lost on the way.
        """
        for baud in SPEEDS:
            if baud <= self.line.baud:
                return
            divisor = round(identity.clock_hz / baud)
            exact = abs(divisor * baud - identity.clock_hz) <= identity.clock_hz // 100
            fits = SHORTEST <= divisor <= identity.divisor // 2
            if not exact or not fits or (most is not None and baud > most):
                continue
            try:
                self.ask(Command.SPEED, divisor.to_bytes(2, "little"))
                self.line.baud = baud
            except (Interrupted, Refused):
                self.recover()
                continue
            except NoPort:  # not this adapter
                self.recover()
                continue
            if self._ask():
                return
            self.line.baud = FIRST
            self.recover()

    def recover(self) -> Found:
        """After Interrupted: agree with the board again. Raises NoAnswer when it is silent."""
        self.recovered += 1
        return self.identify()

    def ask(self, command: Command, payload: bytes = b"") -> bytes:
        """One request; the payload of its answer. Raises Interrupted, or Refused."""
        return next(self.stream([(command, payload)]))

    def stream(self, requests: Iterable[tuple[Command, bytes]]) -> Iterator[bytes]:
        """Requests, some of them under way at once; the payloads of their answers in order.

        Raises Interrupted when one does not come as it should, and Refused.
        """
        waiting: deque[tuple[int, Command, int]] = deque()
        pending, used = iter(requests), 0
        following = next(pending, None)
        while waiting or following:
            while following and (not waiting or used + _cost(following[1]) <= self._room):
                command, payload = following
                self.line.send(request(self._number, command, payload))
                waiting.append((self._number, command, _cost(payload)))
                used += _cost(payload)
                self._number = (self._number + 1) % 256
                following = next(pending, None)
            number, command, cost = waiting.popleft()
            yield self._answer(number, command, used)
            used -= cost

    def _answer(self, number: int, command: Command, out: int) -> bytes:
        """All parts of an answer."""
        payload, part = b"", 0
        while True:
            one = self._next(out)
            if one.status == Status.DAMAGED:
                self.damaged += 1
            mine = (one.number, one.command, one.part) == (number, command, part % 256)
            if not mine or one.status in (Status.DAMAGED, Status.SEQUENCE):
                raise Interrupted(f"answer {one} to request {number}, part {part}")
            payload, part = payload + one.payload, part + 1
            if one.status == Status.OK:
                return payload
            if one.status != Status.MORE:
                raise Refused(command, Status(one.status))

    def _next(self, out: int) -> Answer:
        """The next answer; those that have come already are not lost."""
        if not self._came:
            self._came.extend(self.line.answers(self._seconds(out, 256)))
        if not self._came:
            raise Interrupted("no answer")
        one = self._came.popleft()
        if one is None:
            raise Interrupted("a damaged answer")
        return one


def _cost(payload: bytes) -> int:
    """Bytes of the board's buffer that a request takes, with its checksum and its length."""
    return REQUEST_HEAD + len(payload) + CHECKSUM + 1
