"""BEGIN, LOAD and COMMIT: the words of a network to the engine's memories (docs/protocol.md)."""

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.checksum import SerialChecksum
from boards.gateware.frame_receiver import BYTE
from boards.link.pieces import word_bytes
from boards.link.protocol import LOAD_HEAD, Loads, Status
from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.load import LoadTarget, load_layout


class Words(wiring.Component):
    """Takes the payload of LOAD frames, a word at a time, and keeps their checksum.

    begin: a network begins; one cycle.
    take: begin with a payload; one cycle.
    request: the payload.
    load: to the engine.
    finished: one cycle, after a payload;
    status: how it went;
    ended: the payload was read to its end.
    checksum: of all payloads since `begin`; steady while none is taken.
    spoiled: a payload since `begin` was refused.
    """

    begin: Signal
    take: Signal
    request: stream.Interface
    load: stream.Interface
    finished: Signal
    status: Signal
    ended: Signal
    checksum: Signal
    spoiled: Signal

    def __init__(self, *, config: EngineConfig, loads: Loads) -> None:
        """`loads`: everything, or only entries."""
        self._config, self._every = config, loads is Loads.EVERYTHING
        super().__init__(
            {
                "begin": In(1),
                "take": In(1),
                "request": In(stream.Signature(BYTE)),
                "load": Out(stream.Signature(load_layout(config), always_ready=True)),
                "finished": Out(1),
                "status": Out(Status),
                "ended": Out(1),
                "checksum": Out(32),
                "spoiled": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Head, bytes of a word, the word."""
        m = Module()
        m.submodules.sum = check = SerialChecksum()
        taking = Signal()
        taken = Signal()
        byte = self.request.payload
        m.d.comb += [
            taken.eq(taking & self.request.valid & check.bytes.ready),
            self.request.ready.eq(taking & check.bytes.ready),
            check.bytes.valid.eq(taken),
            check.bytes.payload.eq(byte.data),
            check.start.eq(self.begin),
            self.checksum.eq(check.value),
        ]
        with m.If(taken):
            m.d.sync += self.ended.eq(byte.last)
        with m.If(self.begin):
            m.d.sync += self.spoiled.eq(0)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.sync += self.status.eq(Status.OK)
                with m.If(self.take):
                    m.next = "HEAD"
            mine = self._head(m, taking, taken)
            self._words(m, taking, taken, mine)
            with m.State("SPOIL"):
                m.d.sync += self.spoiled.eq(1)
                m.next = "SETTLE"
            with m.State("SETTLE"), m.If(check.bytes.ready):
                m.d.comb += self.finished.eq(1)
                m.next = "IDLE"
        return m

    def _head(self, m: Module, taking: Signal, taken: Signal) -> Value:
        """Target, unit and address; returns whether this board loads the target."""
        word, byte = self.load.payload, self.request.payload
        count = Signal(range(LOAD_HEAD))
        target = Signal(8)
        mine = target < len(LoadTarget) if self._every else target == LoadTarget.ENTRY.value
        fixed = target[:2] if self._every else LoadTarget.ENTRY.value
        m.d.comb += word.as_value()[:2].eq(fixed)
        parts = [
            target,
            *(word.unit[low : low + 8] for low in (0, 8)),
            *(word.address[low : low + 8] for low in (0, 8, 16)),
        ]
        with m.State("HEAD"):
            m.d.comb += taking.eq(1)
            with m.If(taken):
                m.d.sync += count.eq(Mux(count == LOAD_HEAD - 1, 0, count + 1))
                for number, part in enumerate(parts):
                    with m.If(count == number):
                        m.d.sync += part.eq(byte.data)
                with m.If(byte.last):
                    m.d.sync += [count.eq(0), self.status.eq(Status.LENGTH)]
                    m.next = "SPOIL"
                with m.Elif(count == LOAD_HEAD - 1):
                    m.next = "BYTES"
        return mine

    def _words(self, m: Module, taking: Signal, taken: Signal, mine: Value) -> None:
        """Bytes of a word, each to its place; what is above is of no use to a narrower memory."""
        config, word = self._config, self.load.payload
        sizes = [word_bytes(config, target) for target in LoadTarget]
        at = Signal(bits_for(max(sizes)))
        target = word.as_value()[:2]
        last = Array(size - 1 for size in sizes)[target]
        with m.State("BYTES"):
            m.d.comb += taking.eq(mine)
            with m.If(~mine):
                m.d.sync += self.status.eq(Status.REFUSED)
                m.next = "SPOIL"
            with m.If(taken):
                m.d.sync += at.eq(at + 1)
                for number in range(max(sizes)):
                    part = word.data[8 * number : 8 * number + 8]
                    with m.If(at == number):
                        m.d.sync += part.eq(self.request.payload.data)
                with m.If(at == last):
                    m.d.sync += at.eq(0)
                    m.next = "WRITE"
                with m.Elif(self.request.payload.last):
                    m.d.sync += [at.eq(0), self.status.eq(Status.LENGTH)]
                    m.next = "SPOIL"
        with m.State("WRITE"):
            m.d.comb += self.load.valid.eq(1)
            m.d.sync += word.address.eq(word.address + 1)
            m.next = "BYTES"
            with m.If(self.ended):
                m.next = "SETTLE"
