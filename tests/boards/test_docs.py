"""docs/boards.md says what is true."""

import re
from pathlib import Path
from typing import Any

from boards.registry import BOARDS
from golden.arithmetic import quantise_input
from tests.boards.networks import CONFIG, network

TEXT = (Path(__file__).parents[2] / "docs" / "boards.md").read_text()


def test_clocks_of_the_table() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| \S+ \| [^|]+ \| ([\d.]+ MHz) \|", TEXT, re.M))
    assert rows == {name: f"{b.preset.clock_mhz:g} MHz" for name, b in BOARDS.items()}


class Port:
    """A serial port that keeps what is written and reads a fixed answer."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.written = answer, b""

    def write(self, data: bytes) -> None:
        self.written += data

    def read(self, size: int) -> bytes:
        assert size == len(self.answer)
        return self.answer


def test_example() -> None:
    code = re.search(r"```python\n(.*?)```", TEXT, re.S)
    assert code is not None
    scope: dict[str, Any] = {}
    exec(code[1][: code[1].index("\nport =")], scope)
    net = network(config=CONFIG.replace(act_width=12))
    port = Port(b"\x03\x39\x30\x00\x00")
    sample = [0.0, 1.0, -1.0, 1000.0, -1000.0, 0.1]
    assert scope["classify"](port, net, sample) == (3, 12345)
    sent = [int.from_bytes(port.written[i : i + 2], "little", signed=True) for i in range(0, 12, 2)]
    assert sent == quantise_input(net, [sample])[0].tolist()
