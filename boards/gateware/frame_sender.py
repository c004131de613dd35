"""Frames to the line: bytes of an answer, then checksum, COBS and the end."""

from collections.abc import Sequence

from amaranth.hdl import C, Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.checksum import SerialChecksum
from boards.link.protocol import CHECKSUM
from rtl.prim.ram import BlockRam

TOKEN = data.StructLayout({"data": 8, "last": 1, "copy": 1})
"""A byte of an answer; with `copy` the byte of the record at this address."""
_HALF = 256


class FrameSender(wiring.Component):
    """Makes a frame of each message, at most LONGEST - 4 bytes, and sends it.

    tokens: the message's bytes, the last with `last`; not ready while a frame is sent.
    record_en: write a byte of the record; only while `tokens` is ready,
    record_addr: at this address,
    record_data: this one.
    bytes: to the transmitter.

    One memory holds the frame and the record of boards.link.identity. COBS is made in place: the
    number of bytes up to the next zero is written where that of the last one is missing.
    """

    tokens: stream.Interface
    record_en: Signal
    record_addr: Signal
    record_data: Signal
    bytes: stream.Interface

    def __init__(self, *, record: Sequence[int]) -> None:
        """`record`: at most 256 bytes."""
        self._record = list(record)
        super().__init__(
            {
                "tokens": In(stream.Signature(TOKEN)),
                "record_en": In(1),
                "record_addr": In(8),
                "record_data": In(8),
                "bytes": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Take, encode, close, send."""
        m = Module()
        m.submodules.memory = ram = BlockRam(
            width=8, depth=2 * _HALF, init=[0] * _HALF + self._record
        )
        write = Signal(8, init=1)
        code_at = Signal(8)
        code = Signal(8, init=1)
        sent = Signal(8)
        with m.If(self.record_en):
            self._write(m, ram, Cat(self.record_addr, 1), self.record_data)
        m.d.comb += [
            self.bytes.payload.eq(ram.r_data),
            ram.r_addr.eq(Cat(sent, C(0, 1))),
        ]
        with m.FSM(name="state"):
            self._message(m, ram, write, code_at, code)
            with m.State("CLOSE"):
                self._write(m, ram, code_at, code)
                m.next = "END"
            with m.State("END"):
                self._write(m, ram, write, C(0))
                m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += ram.r_en.eq(1)
                m.next = "OFFER"
            with m.State("OFFER"):
                m.d.comb += self.bytes.valid.eq(1)
                with m.If(self.bytes.ready):
                    m.d.sync += sent.eq(sent + 1)
                    m.next = "FETCH"
                    with m.If(sent == write):
                        m.d.sync += [write.eq(1), code_at.eq(0), code.eq(1), sent.eq(0)]
                        m.next = "TAKE"
        return m

    def _write(self, m: Module, ram: BlockRam, address: Value, byte: Value) -> None:
        m.d.comb += [ram.w_en.eq(1), ram.w_addr.eq(address), ram.w_data.eq(byte)]

    def _message(
        self, m: Module, ram: BlockRam, write: Signal, code_at: Signal, code: Signal
    ) -> None:
        """Bytes and then their checksum, low byte first."""
        m.submodules.checksum = checksum = SerialChecksum()
        byte = Signal(8)
        last = Signal()
        tail = Signal(32)
        ending = Signal(range(CHECKSUM + 2))  # 0, or how many of the tail's bytes went, and one
        token = Signal(TOKEN)  # a register, as it comes from far away
        m.d.comb += checksum.bytes.payload.eq(byte)
        with m.State("TAKE"):
            m.d.comb += self.tokens.ready.eq(1)
            m.d.sync += [ending.eq(0), token.eq(self.tokens.payload)]
            with m.If(self.tokens.valid):
                m.next = "LOOK"
        with m.State("LOOK"):
            m.d.comb += [ram.r_addr.eq(Cat(token.data, 1)), ram.r_en.eq(token.copy)]
            m.d.sync += [byte.eq(token.data), last.eq(token.last)]
            m.next = "PUT"
            with m.If(token.copy):
                m.next = "COPY"
        with m.State("COPY"):
            m.d.sync += byte.eq(ram.r_data)
            m.next = "PUT"
        with m.State("PUT"), m.If(checksum.bytes.ready):
            m.d.comb += checksum.bytes.valid.eq(ending == 0)
            self._put(m, ram, byte, write, code_at, code)
            m.next = "TAKE"
            with m.If(last):
                m.next = "SETTLE"
            with m.If(ending != 0):
                m.next = "TAIL"
        with m.State("SETTLE"), m.If(checksum.bytes.ready):
            m.d.comb += checksum.start.eq(1)
            m.d.sync += [tail.eq(checksum.value), ending.eq(1)]
            m.next = "TAIL"
        with m.State("TAIL"):
            m.d.sync += [byte.eq(tail[:8]), tail.eq(tail >> 8), ending.eq(ending + 1)]
            m.next = "PUT"
            with m.If(ending == CHECKSUM + 1):
                m.next = "CLOSE"

    def _put(
        self, m: Module, ram: BlockRam, byte: Signal, write: Signal, code_at: Signal, code: Signal
    ) -> None:
        """A byte into the frame; a zero fills in the code before it, and is the next code."""
        m.d.sync += write.eq(write + 1)
        with m.If(byte == 0):
            self._write(m, ram, code_at, code)
            m.d.sync += [code_at.eq(write), code.eq(1)]
        with m.Else():
            self._write(m, ram, write, byte)
            m.d.sync += code.eq(code + 1)
