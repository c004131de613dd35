"""docs/boards.md says what is true."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serial

from boards.gateware.loader import LOADED
from boards.registry import BOARDS
from golden.arithmetic.sequences import quantise_input
from rtl.prim.spram import Spram
from tests.boards.gateware.networks import CONFIG, network
from tests.cells import cell_config, cell_network

TEXT = (Path(__file__).parents[2] / "docs" / "boards.md").read_text()
FRAME = b"some words"


def test_clocks_of_the_table() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| \S+ \| [^|]+ \| ([\d.]+ MHz) \|", TEXT, re.M))
    assert rows == {name: f"{b.clock_mhz:g} MHz" for name, b in BOARDS.items()}


class Port:
    """A serial port that keeps what is written and reads fixed answers, in turn."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.written, self.flushed = list(answers), b"", b""

    def write(self, data: bytes) -> None:
        self.written += data

    def flush(self) -> None:
        self.flushed = self.written

    def reset_input_buffer(self) -> None:
        pass

    def read(self, size: int) -> bytes:
        answer = self.answers.pop(0)
        assert size == len(answer) or not answer
        return answer


def run_examples(monkeypatch: pytest.MonkeyPatch, folder: Path, port: Port) -> dict[str, Any]:
    """Run all of the page's Python where there is a load.bin; returns what it has defined."""
    opened: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        serial, "Serial", lambda *args, timeout: opened.append((*args, timeout)) or port
    )
    monkeypatch.chdir(folder)
    (folder / "build" / "digits").mkdir(parents=True)
    (folder / "build" / "digits" / "load.bin").write_bytes(FRAME)
    code = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    assert len(code) == 3
    scope: dict[str, Any] = {}
    exec("\n".join(code), scope)
    assert opened == [("/dev/ttyUSB1", 115200, 1)]
    return scope


def test_examples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = Port(bytes([LOADED]), b"\x03\x39\x30\x00\x00")
    scope = run_examples(monkeypatch, tmp_path, port)
    assert port.written == port.flushed == FRAME
    port.written = b""
    net = network(config=CONFIG.replace(act_width=12))
    sample = [0.0, 1.0, -1.0, 1000.0, -1000.0, 0.1]
    assert scope["classify"](port, net, sample) == (3, 12345)
    sent = [int.from_bytes(port.written[i : i + 2], "little", signed=True) for i in range(0, 12, 2)]
    assert sent == quantise_input(net, [sample])[0].tolist()


def test_the_sequence_example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = Port(bytes([LOADED]), b"\x00\x01\x00\x00\x00", b"\x04\x02\x00\x00\x00")
    scope = run_examples(monkeypatch, tmp_path, port)
    port.written = b""
    net = cell_network(np.random.default_rng(1), cell_config())
    steps = np.random.default_rng(2).normal(0, 1, (2, net.n_in))
    assert scope["classify_sequence"](port, net, steps) == (4, 3)
    words = quantise_input(net, [steps])[0].astype("<i2")
    assert port.written == b"\x01" + words[0].tobytes() + b"\x02" + words[1].tobytes()


def test_the_load_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = Port(b"", bytes([LOADED ^ 1]), bytes([LOADED]))
    scope = run_examples(monkeypatch, tmp_path, port)
    assert port.flushed == FRAME * 3
    with pytest.raises(TimeoutError, match=r"load\.bin"):
        scope["load"](Port(b"", b"", b""), FRAME)


def test_numbers_of_the_load() -> None:
    frame = int(re.findall(r"largest there is, of\s([\d,]+) bytes", TEXT)[0].replace(",", ""))
    assert frame == 4 * Spram.DEPTH * 2
    assert f"takes {frame * 10 / 115200:.1f} s" in TEXT
    assert f"0x{LOADED:02X} (ACK)" in TEXT
