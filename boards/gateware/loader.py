"""Fills the entry memories over the serial line, where no bitstream can (docs/boards.md)."""

import zlib
from typing import Any

from amaranth.hdl import Assert, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc import Processor
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from boards.gateware.uart import countdown
from boards.gateware.vector_input import check_timeout
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.image import Image
from golden.format.memories import MemoryMap, Store
from golden.kinds import bits_for
from rtl.load import LoadTarget, load_layout

LOADED = 0x06
"""The byte that tells the host that its frame arrived whole and correct: ASCII's ACK."""

Frame = bytes  # within the class, `bytes` is a port


def load_frame(image: Image) -> Frame:
    """What the host sends before the first vector: the words of each PE in turn, low byte first.

    Every PE has as many words as the fullest. Raises ElsieError when the bitstream fills them.
    """
    config = image.config
    if MemoryMap.of(config)["entry"].store is not Store.SPRAM:
        raise ElsieError(
            f"load frame: entry_memory {config.entry_memory.value} is filled by the bitstream; "
            f"only spram is loaded"
        )
    words = max(1, -(-image.used["entries"] // config.entry_lanes))
    return image.entry_words[:, :words].astype("<u2").tobytes()


class Loader(wiring.Component):
    """Takes one load frame from the line; from then on bytes pass through.

    bytes: from the receiver.
    forward: the bytes after the frame.
    load: to the engine, one word at a time.
    loaded: the frame arrived whole and correct.
    replies: other bytes to the host; there must be none before `loaded` (asserted).
    transmit: to the transmitter, LOADED once the frame is there, then `replies`.

    A frame other than the expected one is ignored, and the next byte begins another. The same holds
    if the line is silent for `timeout` cycles within a frame.
    """

    bytes: stream.Interface
    forward: stream.Interface
    load: stream.Interface
    loaded: Signal
    replies: stream.Interface
    transmit: stream.Interface

    def __init__(self, *, config: EngineConfig, frame: Frame, divisor: int, timeout: int) -> None:
        """`frame`: the one expected, of which only length and checksum are kept."""
        check_timeout(timeout, divisor=divisor)
        if not frame or len(frame) % (2 * config.pes):
            raise ElsieError(
                f"loader: the frame must have the same number of 2-byte words for each of "
                f"{config.pes} PEs, not {len(frame)} bytes"
            )
        self._config, self._timeout = config, timeout
        self._words, self._checksum = len(frame) // (2 * config.pes), zlib.crc32(frame)
        super().__init__(
            {
                "bytes": In(stream.Signature(8)),
                "forward": Out(stream.Signature(8)),
                "load": Out(stream.Signature(load_layout(config), always_ready=True)),
                "loaded": Out(1),
                "replies": In(stream.Signature(8)),
                "transmit": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Bytes to words; at the frame's end the checksum decides."""
        m = Module()
        m.submodules.checksum = checksum = Processor(CRC32_ISO_HDLC(data_width=8))
        crc: Any = checksum.crc  # Amaranth's own type is not the stubs'
        taken = Signal()
        again = Signal()
        judge = Signal()
        ended = self._words_of(m, taken, again)
        right = Signal()
        m.d.comb += [
            taken.eq(self.bytes.valid & ~self.loaded),
            self.forward.payload.eq(self.bytes.payload),
            self.forward.valid.eq(self.bytes.valid & self.loaded),
            self.bytes.ready.eq(self.forward.ready | ~self.loaded),
            checksum.start.eq(again),
            checksum.valid.eq(taken),
            checksum.data.eq(self.bytes.payload),
            right.eq(crc == self._checksum),
            again.eq(self._silent(m, taken) | (judge & ~right)),
        ]
        # The checksum has the last byte one cycle later; bytes are further apart than that.
        m.d.sync += judge.eq(ended)
        with m.If(judge & right):
            m.d.sync += self.loaded.eq(1)
        self._transmit(m, judge & right)
        return m

    def _transmit(self, m: Module, well: Value) -> None:
        """LOADED once, from the cycle after `well`; then the replies."""
        tell = Signal()
        m.d.comb += [
            self.transmit.valid.eq(tell | self.replies.valid),
            self.transmit.payload.eq(Mux(tell, LOADED, self.replies.payload)),
            self.replies.ready.eq(self.transmit.ready & ~tell),
        ]
        with m.If(well):
            m.d.sync += tell.eq(1)
        with m.Elif(self.transmit.ready):
            m.d.sync += tell.eq(0)
        m.d.sync += Assert(
            self.loaded | ~self.replies.valid, "a reply before the entries are loaded"
        )

    def _words_of(self, m: Module, taken: Signal, again: Signal) -> Signal:
        """Bytes to words of the load port. Returns that the last byte of a frame is taken."""
        word = self.load.payload
        low = Signal(8, reset_less=True)
        odd = Signal()
        ended = Signal()
        address = Signal(range(self._words))
        unit = Signal(bits_for(self._config.pes - 1))
        full = Signal()
        whole = Signal()
        m.d.comb += [
            full.eq(address == self._words - 1),
            whole.eq(full & (unit == self._config.pes - 1)),
            ended.eq(taken & odd & whole),
            self.load.valid.eq(taken & odd),
            word.target.eq(LoadTarget.ENTRY),
            word.unit.eq(unit),
            word.address.eq(address),
            word.data.eq(Cat(low, self.bytes.payload)),
        ]
        with m.If(taken):
            m.d.sync += odd.eq(~odd)
            with m.If(odd):
                m.d.sync += [
                    address.eq(Mux(full, 0, address + 1)),
                    unit.eq(Mux(whole, 0, (unit + full)[: len(unit)])),
                ]
            with m.Else():
                m.d.sync += low.eq(self.bytes.payload)
        with m.If(again):
            m.d.sync += [odd.eq(0), address.eq(0), unit.eq(0)]
        return ended

    def _silent(self, m: Module, taken: Signal) -> Signal:
        """High when `timeout` cycles have passed without a byte of the frame."""
        timer, over = countdown(self._timeout)
        silent = Signal()
        m.d.comb += silent.eq(over & ~taken)
        with m.If(taken | over):
            m.d.sync += timer.eq(self._timeout - 2)
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
        return silent
