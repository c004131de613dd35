"""What a host puts on a line, cycle by cycle, to a compiled board; and what comes back."""

import subprocess
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from boards.link.frames import Answer, Splitter, answer, request
from boards.link.identity import network_hash
from boards.link.pieces import pieces
from boards.link.protocol import Command, Loads
from elsie.host.simulated.program import program
from golden.arithmetic.run import forward
from golden.config import EngineConfig
from golden.format.image import Image, encode
from golden.format.network import Network
from tests.boards.gateware.networks import CONFIG, network

DIVISOR, TIMEOUT = 4, 4000
TINY = CONFIG.replace(pes=2, group=2, row_depth=16, entry_depth=32)
N_IN, N_OUT = 6, 5
BYTE = 10 * DIVISOR
"""Cycles of a byte on the line."""


@cache
def board(config: EngineConfig = TINY) -> Path:
    """The program of the tests' board."""
    return program(config, clock_hz=1_000_000, divisor=DIVISOR, timeout=TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An answer, and the cycle of its last byte; None: a frame that is none."""

    answer: Answer | None
    cycle: int


class Loaded:
    """A network, as a host loads and checks it."""

    def __init__(self, net: Network) -> None:
        self.network: Network = net
        self.image: Image = encode(net)
        self.hash: bytes = network_hash(self.image, net.layers[-1].position.tolist())
        self.pieces: list[bytes] = pieces(self.image, Loads.EVERYTHING)
        total = zlib.crc32(b"".join(self.pieces))
        self.commit: bytes = (
            total.to_bytes(4, "little") + 2 * (net.n_in - 1).to_bytes(2, "little") + self.hash
        )

    def run(self, x: np.ndarray) -> bytes:
        """RUN's payload for vectors (samples, n_in) of bytes."""
        return b"\x04" + x.astype(np.int8).tobytes()

    def outputs(self, payload: bytes, samples: int) -> np.ndarray:
        """The outputs in an answer to RUN, for positions and values of a byte each."""
        found, at = [np.zeros(self.network.n_out, dtype=np.int64)], 0
        position = self.network.layers[-1].position.tolist()
        while at < len(payload):
            if payload[at] == 0x80:
                found.append(np.zeros_like(found[0]))
                at += 5
                continue
            found[-1][position.index(payload[at])] = (payload[at + 1] ^ 0x80) - 0x80
            at += 2
        assert len(found) == samples + 1
        return np.array(found[:-1])

    def right(self, x: np.ndarray, payload: bytes) -> bool:
        """Whether an answer is that of golden."""
        return bool((self.outputs(payload, len(x)) == forward(self.network, x)).all())


def tiny(seed: int) -> Loaded:
    """A network for the tests' board."""
    return Loaded(network(config=TINY, n_in=N_IN, n_out=N_OUT, seed=seed))


class Script:
    """Levels of the line, one after the other."""

    def __init__(self) -> None:
        self.words = bytearray()
        self.cycle = 0
        self.number = 0
        self.level(1, 20 * DIVISOR)

    def level(self, level: int, cycles: int) -> None:
        """A level for some cycles."""
        if cycles > 0:
            self.words += (level << 31 | cycles).to_bytes(4, "little")
            self.cycle += cycles

    def byte(self, value: int, *, stop: int = 1, bit: float = DIVISOR) -> None:
        """A byte; `bit` cycles per bit."""
        at = 0.0
        for level in (0, *((value >> n) & 1 for n in range(8)), stop):
            self.level(level, round(at + bit) - round(at))
            at += bit

    def send(self, data: bytes, *, gap: int = 0) -> None:
        """Bytes, and then `gap` idle cycles."""
        for value in data:
            self.byte(value)
        self.level(1, gap)

    def request(self, command: int, payload: bytes = b"", *, gap: int = 0) -> int:
        """A request with the next number, which is returned."""
        number = self.number
        self.send(request(number, Command(command), payload), gap=gap)
        self.number = (number + 1) % 256
        return number

    def load(self, net: Loaded) -> None:
        """BEGIN, all LOADs, COMMIT."""
        self.request(Command.BEGIN, gap=15 * BYTE)
        for piece in net.pieces:
            self.request(Command.LOAD, piece, gap=15 * BYTE)
        self.request(Command.COMMIT, net.commit, gap=15 * BYTE)

    def play(self, folder: Path, *, config: EngineConfig = TINY) -> list[Heard]:
        """Run the board; what it said."""
        source, target = folder / "line", folder / "said"
        source.write_bytes(self.words)
        done = subprocess.run(
            [board(config), "lines", source, target], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found = np.fromfile(target, "<u8")
        assert not (found >> np.uint64(63)).any(), "a byte without a stop bit"
        splitter, heard = Splitter(), []
        values, cycles = (found & np.uint64(0xFF)).astype(np.uint8), found >> np.uint64(8)
        ends = np.flatnonzero(values == 0)
        for first, last in zip([0, *(ends[:-1] + 1)], ends, strict=True):
            (raw,) = splitter.feed(values[first : last + 1].tobytes())
            heard.append(Heard(answer=answer(raw), cycle=int(cycles[last])))
        return heard
