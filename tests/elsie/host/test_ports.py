"""Which serial port is a board's."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from elsie.host import NoPort, ports


def usb(device: str, vid: int | None, pid: int | None, location: str = "1-1", number: str = "a"):
    return SimpleNamespace(device=device, vid=vid, pid=pid, location=location, serial_number=number)


def pretend(monkeypatch: pytest.MonkeyPatch, *found) -> None:
    monkeypatch.setattr(ports.list_ports, "comports", lambda: list(found))


def test_the_second_channel_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch,
        usb("/dev/ttyUSB1", 0x0403, 0x6010, "1-1:1.1"),
        usb("/dev/ttyUSB0", 0x0403, 0x6010, "1-1:1.0"),
        usb("/dev/ttyS0", None, None),
        usb("/dev/ttyACM0", 0x1234, 0x5678),
    )
    assert ports.choose() == "/dev/ttyUSB1"


def test_one_of_several_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch,
        usb("/dev/ttyUSB1", 0x0403, 0x6010, "1-1:1.1"),
        usb("/dev/ttyUSB0", 0x0403, 0x6010, "1-1:1.0"),
        usb("/dev/ttyUSB2", 0x0403, 0x6015, "1-2:1.0", "b"),
    )
    with pytest.raises(NoPort, match=r"ttyUSB1: FT2232H .*ttyUSB2: FT231X .*--port"):
        ports.choose()


def test_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    with pytest.raises(NoPort, match=r"plug the board in.*--board sim"):
        ports.choose()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            serial.SerialException(errno.EACCES, "denied"),
            r"may not use port .*sudo usermod -aG \w+ \$USER",
        ),
        (serial.SerialException(errno.EBUSY, "busy"), "used by another program"),
        (serial.SerialException("Could not exclusively lock port"), "used by another program"),
        (serial.SerialException(errno.EIO, "input/output"), "cannot be opened"),
        (ValueError("bad"), "cannot be opened: bad"),
    ],
)
def test_ports_that_cannot_be_used(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(serial, "Serial", fail)
    (tmp_path / "tty").touch()
    with pytest.raises(NoPort, match=message):
        ports.open_port(str(tmp_path / "tty"), baud=9600)
