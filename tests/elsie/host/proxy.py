"""A bad cable: a pseudo-terminal between a host and a board that damages what goes through."""

import os
import pty
import random
import select
import termios
import threading
import tty
from typing import Self


class BadCable:
    """Damages, loses and adds bytes in both directions, each with a small probability.

    port: for the host. A thread copies; it passes on the speed that the host sets.
    """

    def __init__(self, board: str, *, seed: int, damage: float) -> None:
        self._random, self._damage = random.Random(seed), damage
        self.count = 0
        self._board = os.open(board, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._board)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._ended, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._copy, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._wake, b"x")
        self._thread.join()
        for one in (self._board, self._master, self._slave, self._ended, self._wake):
            os.close(one)

    def _copy(self) -> None:
        while True:
            ready, _, _ = select.select([self._board, self._master, self._ended], [], [])
            if self._ended in ready:
                return
            if self._master in ready:
                speed = termios.tcgetattr(self._master)[4:6]
                attributes = termios.tcgetattr(self._board)
                attributes[4:6] = speed
                termios.tcsetattr(self._board, termios.TCSANOW, attributes)
                os.write(self._board, self._through(os.read(self._master, 512)))
            if self._board in ready:
                os.write(self._master, self._through(os.read(self._board, 512)))

    def _through(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self._random.random() >= self._damage:
                out.append(byte)
                continue
            self.count += 1
            kind = self._random.randrange(3)
            if kind == 0:
                out.append(byte ^ 1 << self._random.randrange(8))
            elif kind == 1:
                out += bytes([byte, self._random.randrange(256)])
        return bytes(out)
