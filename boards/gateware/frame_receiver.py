"""Frames from the line: what is whole goes on, everything else is dropped (docs/protocol.md)."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.checksum import SerialChecksum
from boards.gateware.uart import countdown
from boards.link.protocol import CHECKSUM, LONGEST, REQUEST_HEAD
from golden.errors import ElsieError
from rtl.prim.ram import BlockRam

BYTE = data.StructLayout({"data": 8, "last": 1})
"""A byte of a request; `last` with its last one."""


def check_buffer(buffer: int) -> None:
    """Raise ElsieError unless a message is in a buffer whole, and it is a power of two."""
    if buffer < 2 * (LONGEST + 2) or buffer & (buffer - 1):
        raise ElsieError(f"link: the buffer must be a power of two from 512 on, not {buffer}")


class FrameReceiver(wiring.Component):
    """Takes frames off COBS, checks them, and keeps whole ones until they are read.

    bytes: from the receiver, at least 40 cycles apart; always ready.
    lost: a byte was lost on the line.
    request: the bytes of whole messages, without their checksums.
    whole: one cycle, when a frame was whole, 2 cycles after its last byte.
    damaged: one cycle, as late, when one was dropped: bytes changed, lost or added, too long or
        too short, no room for it, or a silence of `timeout` cycles within it.
    """

    bytes: stream.Interface
    lost: Signal
    request: stream.Interface
    whole: Signal
    damaged: Signal

    def __init__(self, *, buffer: int, timeout: int) -> None:
        """`buffer`: bytes to keep (`check_buffer`)."""
        check_buffer(buffer)
        self._depth, self._timeout = buffer, timeout
        super().__init__(
            {
                "bytes": In(stream.Signature(8)),
                "lost": In(1),
                "request": Out(stream.Signature(BYTE)),
                "whole": Out(1),
                "damaged": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A ring of messages, each after a byte with its length, which is written last."""
        m = Module()
        m.submodules.ring = ring = BlockRam(width=8, depth=self._depth)
        read = Signal(range(self._depth))
        kept = Signal(range(self._depth))
        m.d.comb += [ring.r_addr.eq(read), self.bytes.ready.eq(1)]
        self._write(m, ring, read, kept)
        self._read(m, ring, read, kept)
        return m

    def _write(self, m: Module, ring: BlockRam, read: Signal, kept: Signal) -> None:
        """Decode; at a frame's end keep it, or forget it."""
        m.submodules.checksum = checksum = SerialChecksum()
        # Bytes are far apart: a register for each question leaves one of them to a cycle.
        taken = Signal()
        lost = Signal()
        byte = Signal(8)
        zero = Signal()
        fits = Signal()
        write = Signal(range(self._depth), init=1)
        size = Signal(range(LONGEST + 1))
        bad = Signal()
        begun = Signal()
        silent = self._silent(m, begun, taken | lost)
        emit, value, between = self._decode(m, taken, byte, zero, silent)
        room = (write != read) & (size != LONGEST)
        ended = (taken & zero) | silent
        least = CHECKSUM + REQUEST_HEAD
        right = zero & taken & fits
        m.d.sync += [
            taken.eq(self.bytes.valid),
            lost.eq(self.lost),
            byte.eq(self.bytes.payload),
            zero.eq(self.bytes.payload == 0),
            fits.eq(~bad & between & checksum.right & (size >= least)),
            self.whole.eq(right),
            self.damaged.eq(ended & begun & ~right),
        ]
        m.d.comb += [
            ring.w_data.eq(Mux(emit, value, size - CHECKSUM)),
            ring.w_addr.eq(Mux(emit, write, kept)),
            ring.w_en.eq((emit & room) | right),
            checksum.bytes.valid.eq(emit),
            checksum.bytes.payload.eq(value),
            checksum.start.eq(ended),
        ]
        with m.If(emit & room):
            m.d.sync += [write.eq(write + 1), size.eq(size + 1)]
        with m.If(lost | (emit & ~room)):
            m.d.sync += bad.eq(1)
        with m.If(lost | taken):
            m.d.sync += begun.eq(1)
        with m.If(ended):
            m.d.sync += [size.eq(0), bad.eq(0), begun.eq(0), write.eq(kept + 1)]
        with m.If(right):
            m.d.sync += [kept.eq(write - CHECKSUM), write.eq(write - CHECKSUM + 1)]

    def _decode(
        self, m: Module, taken: Signal, byte: Signal, zero: Signal, silent: Value
    ) -> tuple[Value, Value, Value]:
        """COBS: a byte to write, which it is, and that a frame may end here."""
        left = Signal(8)
        implied = Signal()
        between = left == 0
        with m.If(taken):
            m.d.sync += left.eq(Mux(between, byte - 1, left - 1))
            with m.If(between):
                m.d.sync += implied.eq(byte != 255)
        with m.If((taken & zero) | silent):
            m.d.sync += [left.eq(0), implied.eq(0)]
        emit = taken & ~zero & (~between | implied)
        return emit, Mux(between, 0, byte), between

    def _silent(self, m: Module, begun: Signal, heard: Value) -> Value:
        """Within a frame, `timeout` cycles without a byte."""
        timer, over = countdown(self._timeout)
        silent = begun & over & ~heard
        with m.If(heard | ~begun | over):
            m.d.sync += timer.eq(self._timeout - 2)
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
        return silent

    def _read(self, m: Module, ring: BlockRam, read: Signal, kept: Signal) -> None:
        """A byte in four cycles, through a register: block RAM is slow."""
        left = Signal(range(LONGEST + 1))
        with m.FSM(name="reading"):
            with m.State("WAIT"), m.If(read != kept):
                m.d.comb += ring.r_en.eq(1)
                m.next = "LENGTH"
            with m.State("LENGTH"):
                m.d.sync += [left.eq(ring.r_data), read.eq(read + 1)]
                m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += ring.r_en.eq(1)
                m.next = "HOLD"
            with m.State("HOLD"):
                m.d.sync += [
                    self.request.payload.data.eq(ring.r_data),
                    self.request.payload.last.eq(left == 1),
                    self.request.valid.eq(1),
                ]
                m.next = "OFFER"
            with m.State("OFFER"), m.If(self.request.ready):
                m.d.sync += [read.eq(read + 1), left.eq(left - 1), self.request.valid.eq(0)]
                m.next = "FETCH"
                with m.If(self.request.payload.last):
                    m.next = "WAIT"
