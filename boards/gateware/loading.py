"""Whether there is a network: BEGIN, LOAD and COMMIT (docs/protocol.md)."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from boards.gateware.frame_receiver import BYTE
from boards.gateware.steps import INPUTS_BITS
from boards.gateware.words import Words
from boards.link.identity import NETWORK_AT
from boards.link.protocol import CHECKSUM, Loads, Status
from golden.config import EngineConfig
from rtl.load import load_layout

_ROW_AT = CHECKSUM + INPUTS_BITS // 8
_HASH_AT = _ROW_AT + INPUTS_BITS // 8
"""Of COMMIT's payload: checksum, inputs less one, those of a row less one, hash."""
_LAST = _HASH_AT + 8 - 1


class Loading(wiring.Component):
    """From BEGIN on there is no network, until a COMMIT knows the checksum of all words.

    begin: BEGIN; one cycle.
    take: the payload of LOAD begins; one cycle, only while `loading`.
    commit: that of COMMIT; one cycle, only while `loading`.
    request: the payload.
    load: to the engine.
    finished: one cycle, after a payload;
    status: how it went;
    ended: the payload was read to its end.
    loaded: there is a network.
    loading: one is being loaded.
    checksum: of all payloads since BEGIN.
    inputs: of a step, less one.
    row: of a row, less one.
    record_en: write a byte of the record, where a network's hash is,
    record_addr: at this address,
    record_data: this one.
    """

    begin: Signal
    take: Signal
    commit: Signal
    request: stream.Interface
    load: stream.Interface
    finished: Signal
    status: Signal
    ended: Signal
    loaded: Signal
    loading: Signal
    checksum: Signal
    inputs: Signal
    row: Signal
    record_en: Signal
    record_addr: Signal
    record_data: Signal

    def __init__(
        self, *, config: EngineConfig, loads: Loads, shape: tuple[int, int], network: bytes
    ) -> None:
        """`shape`, `network`: rows, items of a row and hash of the network in the bitstream.

        With Loads.NOTHING there always is one, and nothing may be asked for.
        """
        self._config, self._loads = config, loads
        self._shape, self._network = shape, network
        super().__init__(
            {
                **{name: In(1) for name in ("begin", "take", "commit")},
                "request": In(stream.Signature(BYTE)),
                "load": Out(stream.Signature(load_layout(config), always_ready=True)),
                **{name: Out(1) for name in ("finished", "ended", "loaded", "loading")},
                "status": Out(Status),
                "checksum": Out(32),
                "inputs": Out(INPUTS_BITS),
                "row": Out(INPUTS_BITS),
                "record_en": Out(1),
                "record_addr": Out(8),
                "record_data": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Words, and the judgement on them."""
        m = Module()
        if self._loads is not Loads.EVERYTHING:
            rows, items = self._shape
            m.d.comb += [self.inputs.eq(rows * items - 1), self.row.eq(items - 1)]
        if self._loads is Loads.NOTHING:
            m.d.comb += self.loaded.eq(1)
            return m
        m.submodules.words = words = Words(config=self._config, loads=self._loads)
        connect(m, words.load, flipped(self.load))
        m.d.comb += [
            words.begin.eq(self.begin),
            words.take.eq(self.take),
            words.request.payload.eq(self.request.payload),
            words.request.valid.eq(self.request.valid),
            self.request.ready.eq(words.request.ready),
            self.finished.eq(words.finished),
            self.status.eq(words.status),
            self.ended.eq(words.ended),
            self.checksum.eq(words.checksum),
        ]
        with m.If(self.begin):
            m.d.sync += [self.loaded.eq(0), self.loading.eq(1)]
        self._commit(m, words)
        return m

    def _commit(self, m: Module, words: Words) -> None:
        """Compare as the bytes come; then judge."""
        count = Signal(range(_LAST + 1))
        right = Signal()
        short = Signal()
        ended = Signal(name="commit_ended")
        byte = self.request.payload
        with m.FSM(name="commit_state"):
            with m.State("IDLE"):
                m.d.sync += [right.eq(~words.spoiled), count.eq(0)]
                with m.If(self.commit):
                    m.next = "BYTES"
            with m.State("BYTES"):
                m.d.comb += self.request.ready.eq(1)
                with m.If(self.request.valid):
                    m.d.sync += [
                        count.eq(count + 1),
                        ended.eq(byte.last),
                        short.eq(~byte.last | (count != _LAST)),
                    ]
                    with m.If(~self._as_expected(m, words, count, byte.data)):
                        m.d.sync += right.eq(0)
                    with m.If(byte.last | (count == _LAST)):
                        m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.comb += [self.finished.eq(1), self.ended.eq(ended)]
                m.d.comb += self.status.eq(Mux(right, Status.OK, Status.CHECKSUM))
                with m.If(short):
                    m.d.comb += self.status.eq(Status.LENGTH)
                with m.Else():
                    m.d.sync += [self.loaded.eq(right), self.loading.eq(0)]
                m.next = "IDLE"

    def _as_expected(self, m: Module, words: Words, count: Signal, byte: Value) -> Value:
        """A byte of the checksum must be; a number and a hash are taken, or must be too."""
        summed = (count[2:] != 0) | (byte == words.checksum.word_select(count[:2], 8))
        named = count >= _HASH_AT
        if self._loads is Loads.EVERYTHING:
            m.d.comb += [
                self.record_en.eq(named),
                self.record_addr.eq(count + (NETWORK_AT - _HASH_AT)),
                self.record_data.eq(byte),
            ]
            # One after the other through both registers.
            numbers = Cat(self.inputs, self.row)
            with m.If((count >= CHECKSUM) & ~named):
                m.d.sync += numbers.eq(Cat(numbers[8:], byte))
            return summed
        hashed = Array([*self._network, *self._network])[(count - _HASH_AT)[:3]]
        return summed & (~named | (byte == hashed))
