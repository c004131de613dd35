"""Bytes to and from a port, with a clock beside it."""

import time
from collections.abc import Iterator

import serial

from boards.link.frames import Answer, Splitter, answer
from elsie.host.errors import NoPort

_NAP = 0.0005
"""Seconds between two looks at the port."""


class Line:
    """A serial port that is sent frames and gives answers."""

    def __init__(self, port: serial.Serial) -> None:
        """`port`: opened by elsie.host.ports.open_port, and closed here."""
        self._port = port
        self._splitter = Splitter()
        self._waiting = b""
        self.sent = 0
        """Bytes, all in all."""
        self.received = 0
        """Bytes, all in all."""
        self.broken = 0
        """Frames that were no answers."""

    @property
    def name(self) -> str:
        """The port's."""
        return str(self._port.name)

    @property
    def baud(self) -> int:
        """The speed."""
        return self._port.baudrate

    @baud.setter
    def baud(self, value: int) -> None:
        """Raises NoPort where the adapter cannot do it."""
        try:
            self._port.baudrate = value
        except (serial.SerialException, OSError, ValueError) as error:
            raise NoPort(f"port {self.name} cannot run at {value} baud: {error}") from None

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def clear(self) -> None:
        """Forget what has not been sent, and what has come."""
        self._waiting = b""
        self._splitter.clear()
        try:
            self._port.reset_input_buffer()
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from None

    def send(self, data: bytes) -> None:
        """Send bytes; those that the system does not take now go with the next `answers`."""
        self._waiting += data
        self._push()

    def answers(self, seconds: float) -> Iterator[Answer | None]:
        """What comes within some seconds, as it comes; None for a frame that is no answer.

        It ends with the first piece that holds a frame.
        """
        until = time.monotonic() + seconds
        while True:
            self._push()
            frames = list(self._splitter.feed(self._pull()))
            if frames:
                for raw in frames:
                    found = answer(raw)
                    self.broken += found is None
                    yield found
                return
            if time.monotonic() > until:
                return
            time.sleep(_NAP)

    def _push(self) -> None:
        try:
            while self._waiting:
                # A few at a time: what is in the system's hands cannot be taken back.
                count = self._port.write(self._waiting[:1024]) or 0
                self.sent += count
                self._waiting = self._waiting[count:]
                if not count:
                    return
        except serial.SerialTimeoutException:
            return
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from None

    def _pull(self) -> bytes:
        try:
            data = self._port.read(4096)
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from None
        self.received += len(data)
        return data

    def _lost(self, error: Exception) -> NoPort:
        return NoPort(f"port {self.name} is gone ({error}); was the board unplugged?")
