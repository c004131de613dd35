"""The answer to the host: the class and the number of cycles, as bytes."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.errors import ElsieError
from golden.kinds import bits_for


def class_bytes(n_out: int) -> int:
    """Bytes of a class number in an answer."""
    return 1 if n_out <= 256 else 2


class AnswerOutput(wiring.Component):
    """Sends an answer as bytes, the lowest first: class (1 or 2 bytes), cycles (4 bytes).

    answer: class and cycles; ready while no answer is being sent.
    bytes: to the transmitter, from the next cycle on.
    """

    answer: stream.Interface
    bytes: stream.Interface

    def __init__(self, *, n_out: int) -> None:
        """`n_out`: number of classes, 1..65536; more than 256 take two bytes."""
        if not 1 <= n_out <= 1 << 16:
            raise ElsieError(f"answer: the number of classes must be 1..65536, not {n_out}")
        self._n_out = n_out
        layout = data.StructLayout({"index": unsigned(bits_for(n_out - 1)), "cycles": 32})
        super().__init__(
            {"answer": In(stream.Signature(layout)), "bytes": Out(stream.Signature(8))}
        )

    def elaborate(self, platform: object) -> Module:
        """A word that is shifted down by a byte for each byte taken."""
        m = Module()
        front = class_bytes(self._n_out)
        word = Signal(8 * (front + 4))
        remaining = Signal(range(front + 5))
        index = Signal(8 * front)
        m.d.comb += [
            index.eq(self.answer.payload.index),
            self.answer.ready.eq(remaining == 0),
            self.bytes.valid.eq(remaining != 0),
            self.bytes.payload.eq(word[:8]),
        ]
        with m.If(self.answer.valid & self.answer.ready):
            m.d.sync += [
                word.eq(Cat(index, self.answer.payload.cycles)),
                remaining.eq(front + 4),
            ]
        with m.Elif(self.bytes.valid & self.bytes.ready):
            m.d.sync += [word.eq(word >> 8), remaining.eq(remaining - 1)]
        return m
