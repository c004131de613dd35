"""Starts and ends a simulated board."""

import os
import pty
import subprocess
import tty
from types import TracebackType
from typing import Self

from boards.registry import find
from elsie.host.errors import BoardError
from elsie.host.fitting import engine_for
from elsie.host.simulated.program import program
from golden.config import EngineConfig
from golden.format.network import Network
from golden.presets import check_answers

DEFAULT = "icebreaker"
"""Whose clock a network has that was compiled for no board."""


class SimulatedBoard:
    """A compiled board behind a pseudo-terminal, while a `with` block lasts.

    It is the design that is put on a board (boards.gateware.top), UART and all, with an engine that
    is loaded whole. It ends with the process that started it.
    """

    def __init__(self, config: EngineConfig, *, clock_hz: int, divisor: int, buffer: int) -> None:
        """For the arguments see boards.gateware.top.BoardTop; the program is made here."""
        self._program = program(config, clock_hz=clock_hz, divisor=divisor, buffer=buffer)
        self._clock_hz = clock_hz
        self._child: subprocess.Popen[str] | None = None
        self._slave = -1
        self.port = ""
        """The serial port to open."""
        self.cycles = 0
        """How many were simulated, known at the end."""
        self.seconds = 0.0
        """Seconds of processor time that they took, known at the end."""

    def __enter__(self) -> Self:
        master, slave = pty.openpty()
        tty.setraw(slave)
        self._slave = slave  # stays open, so that a host may come and go
        self.port = os.ttyname(slave)
        self._child = subprocess.Popen(
            [str(self._program), "serve", str(master), str(self._clock_hz)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(master,),
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we end it
        )
        os.close(master)  # so that the port is gone when the program is
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._child is not None
        told, complaint = self._child.communicate()
        os.close(self._slave)
        if self._child.returncode:
            raise BoardError(
                f"the simulated board ended with {self._child.returncode}: "
                f"{' '.join(complaint.split()) or 'without a word'}"
            ) from error
        cycles, seconds = told.split()
        self.cycles, self.seconds = int(cycles), float(seconds)

    def running(self) -> bool:
        """It ends by itself only when an assertion in the design fails."""
        return self._child is not None and self._child.poll() is None


def simulated(*networks: Network, board: str | None = None) -> SimulatedBoard:
    """A simulated board with an engine for some networks, and the clock of `board`.

    By default that of the board that the first network was compiled for. Raises ElsieError when no
    engine fits them all.
    """
    for network in networks:
        check_answers(network)
    report = networks[0].report
    chosen = find(board or (report.board if report else None) or DEFAULT)
    return SimulatedBoard(
        engine_for(networks),
        clock_hz=chosen.clock_hz,
        divisor=chosen.divisor(),
        buffer=chosen.family.link_buffer,
    )
