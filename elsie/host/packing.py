"""Inputs to payloads of RUN, and answers to outputs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boards.link.protocol import REQUEST_PAYLOAD, Run
from elsie.host.errors import BoardError
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.grid import as_sent, sent_shape

Ints = NDArray[np.int64]


def sent_inputs(network: Network) -> int:
    """Activations that the engine takes for a step: a map has some that are no inputs."""
    return math.prod(sent_shape(network.config, as_shape(network.input_shape), network.n_in))


@dataclass(frozen=True, kw_only=True)
class Result:
    """One step."""

    outputs: Ints
    """Shape (n_out,)."""
    cycles: int
    """What its layers took."""


class Packing:
    """The bytes of one network's steps."""

    def __init__(self, network: Network) -> None:
        config = network.config
        self._network, self._cells = network, config.cells > 0
        self._value = -(-config.act_width // 8)
        self._place = -(-(config.position_width + 1) // 8)
        position = network.layers[-1].position
        self._output = np.full(int(position.max()) + 1, -1, dtype=np.int64)
        self._output[position] = np.arange(len(position))

    @property
    def samples(self) -> int:
        """Single inputs that one frame holds, at least 1."""
        return max(1, (REQUEST_PAYLOAD - 1) // (sent_inputs(self._network) * self._value))

    def payloads(self, steps: Ints, *, sequence: bool) -> Iterator[bytes]:
        """RUN's payloads for integer inputs (steps, n_in), as many steps in one as fit.

        sequence: the steps follow each other, from states zero on; an answer is requested as the
        network gives it, after the last or after each.
        """
        network = self._network
        steps = as_sent(network.config, as_shape(network.input_shape), steps)
        steps = steps.reshape(len(steps), -1)
        raw = steps.astype(f"<i{self._size()}").tobytes() if self._size() else self._wide(steps)
        size = steps.shape[1] * self._value
        most = (REQUEST_PAYLOAD - 1) // self._value * self._value
        if size <= most:
            most = most // size * size
        every = not sequence or self._network.head is None
        for at in range(0, len(raw), most):
            flags = Run.EVERY if every else Run(0)
            if sequence and at == 0:
                flags |= Run.RESET
            if sequence and at + most >= len(raw):
                flags |= Run.ANSWER
            yield bytes([flags]) + raw[at : at + most]

    def _size(self) -> int:
        return self._value if self._value in (1, 2, 4) else 0

    def _wide(self, steps: Ints) -> bytes:
        values = steps.reshape(-1).tolist()
        return b"".join(int(v).to_bytes(self._value, "little", signed=True) for v in values)

    def results(self, answer: bytes) -> Iterator[Result]:
        """The steps that an answer ends. Raises BoardError for bytes that are none."""
        at, end = 0, 1 << (8 * self._place - 1)
        outputs = np.zeros(self._network.n_out, dtype=np.int64)
        while at < len(answer):
            place = int.from_bytes(answer[at : at + self._place], "little")
            at += self._place
            if place == end:
                cycles = int.from_bytes(answer[at : at + 4], "little")
                at += 4
                yield Result(outputs=outputs, cycles=cycles)
                outputs = np.zeros_like(outputs)
                continue
            if place >= len(self._output) or self._output[place] < 0:
                raise BoardError(
                    f"the board sends a result at position {place}, where network "
                    f"{self._network.name} has none; load it again"
                )
            value = int.from_bytes(answer[at : at + self._value], "little")
            at += self._value
            # Bits above the activation's are zero on the line.
            top = 1 << (self._network.config.act_width - 1)
            outputs[self._output[place]] = (value ^ top) - top
