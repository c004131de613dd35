"""Finds the serial port of a board, and opens it."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from elsie.host.errors import NoPort

ADAPTERS = {
    (0x0403, 0x6010): "FT2232H (iCEBreaker, iCE40-HX8K breakout)",
    (0x0403, 0x6015): "FT231X (ULX3S)",
    (0x0403, 0x6001): "FT232R adapter",
    (0x0403, 0x6014): "FT232H adapter",
    (0x10C4, 0xEA60): "CP210x adapter",
    (0x1A86, 0x7523): "CH340 adapter",
}
"""USB vendor and product of what a board's serial port is behind."""
_TWO_CHANNELS = (0x0403, 0x6010)
"""Its first channel programs the board; the second is the serial port."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A serial port that may be a board's."""

    device: str
    """As in --port."""
    adapter: str
    """What it is."""


def found() -> list[Port]:
    """Every port behind a known adapter, in order."""
    every = sorted(list_ports.comports(), key=lambda port: port.device)
    return [
        Port(device=port.device, adapter=ADAPTERS[port.vid, port.pid])
        for port in every
        if (port.vid, port.pid) in ADAPTERS and _for_data(port, every)
    ]


def _for_data(port: ListPortInfo, every: Sequence[ListPortInfo]) -> bool:
    """Not the first of two channels of one adapter."""
    if (port.vid, port.pid) != _TWO_CHANNELS:
        return True
    here = (port.location or "").split(":")[0]
    mine = [
        p.device
        for p in every
        if (p.vid, p.pid) == _TWO_CHANNELS
        and (p.serial_number, (p.location or "").split(":")[0]) == (port.serial_number, here)
    ]
    return len(mine) == 1 or port.device != mine[0]


def choose() -> str:
    """The only port that may be a board's. Raises NoPort when there is none, or several."""
    ports = found()
    if not ports:
        raise NoPort(
            "no board's serial port is found; plug the board in, name its port with --port "
            "(Board.open(port)), or try --board sim, which needs no board"
        )
    if len(ports) > 1:
        names = ", ".join(f"{port.device}: {port.adapter}" for port in ports)
        raise NoPort(f"several boards may be meant ({names}); choose one with --port")
    return ports[0].device


def open_port(device: str, *, baud: int) -> serial.Serial:
    """Open a port; reads and writes never block. Raises NoPort with what to do."""
    try:
        return serial.Serial(device, baud, timeout=0, write_timeout=0, exclusive=True)
    except serial.SerialException as error:
        raise NoPort(_why(device, error)) from None
    except (OSError, ValueError) as error:
        raise NoPort(f"port {device} cannot be opened: {error}") from None


def _why(device: str, error: serial.SerialException) -> str:
    """A sentence for what the system said."""
    path = Path(device)
    if error.errno == errno.ENOENT or not path.exists():
        return f"there is no port {device}; 'python -m serial.tools.list_ports -v' lists them"
    if error.errno == errno.EACCES:
        return (
            f"you may not use port {device}; join its group and log in again: "
            f"sudo usermod -aG {group_of(path)} $USER"
        )
    if error.errno == errno.EBUSY or "exclusively lock" in str(error):
        return f"port {device} is used by another program; end it first"
    return f"port {device} cannot be opened: {error}"


def group_of(path: Path) -> str:
    """Name of the group that owns a device."""
    try:
        return path.group()
    except (KeyError, OSError):
        return "dialout"


def is_simulated(device: str) -> bool:
    """A pseudo-terminal: behind it is a program, which may be slow."""
    try:
        number = os.stat(device).st_rdev
    except OSError:
        return False
    # Linux: majors 136 to 143 are /dev/pts.
    return stat.S_ISCHR(os.stat(device).st_mode) and 136 <= os.major(number) <= 143
