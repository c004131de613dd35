"""CRC-32 of bytes, a bit in a cycle: a tenth of the LUTs of a byte in a cycle."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc import Processor
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out


class SerialChecksum(wiring.Component):
    """The CRC-32 of zlib, of all bytes since `start`.

    start: forget all bytes; not while one is being added.
    bytes: what to add; not ready for 8 cycles after each.
    value: the CRC-32, while `bytes` is ready.
    right: the last four bytes are the CRC-32 of all before them; while `bytes` is ready.
    """

    start: Signal
    bytes: stream.Interface
    value: Signal
    right: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "bytes": In(stream.Signature(8)),
                "value": Out(32),
                "right": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A shift register before amaranth.lib.crc, which takes the low bit first."""
        m = Module()
        m.submodules.bits = crc = Processor(CRC32_ISO_HDLC(data_width=1))
        value: Any = crc.crc  # Amaranth's own types are not the stubs'
        right: Any = crc.match_detected
        shift = Signal(8)
        left = Signal(4)
        m.d.comb += [
            self.bytes.ready.eq(left == 0),
            crc.start.eq(self.start),
            crc.valid.eq(left != 0),
            crc.data.eq(shift[0]),
            self.value.eq(value),
            self.right.eq(right),
        ]
        with m.If(left != 0):
            m.d.sync += [shift.eq(shift >> 1), left.eq(left - 1)]
        with m.Elif(self.bytes.valid):
            m.d.sync += [shift.eq(self.bytes.payload), left.eq(8)]
        return m
