"""RUN and RESET: bytes to the engine's inputs, results to bytes (docs/protocol.md)."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.frame_receiver import BYTE
from boards.link.protocol import Status
from golden.config import EngineConfig
from golden.kinds import bits_for
from rtl.layouts import input_layout, output_layout

INPUTS_BITS = 16
"""Of the number of inputs, less one."""


def value_bytes(config: EngineConfig) -> int:
    """Bytes of an activation on the line."""
    return -(-config.act_width // 8)


def place_bytes(config: EngineConfig) -> int:
    """Bytes of a result's position, with a bit above it that marks the end of a step."""
    return -(-(config.position_width + 1) // 8)


def longest_item(config: EngineConfig) -> int:
    """Bytes of the longer of a result and a step's end."""
    return place_bytes(config) + max(value_bytes(config), 4)


class Steps(wiring.Component):
    """Runs the steps of one RUN frame, or ends a step that was sent in part.

    run: begin with the payload of a RUN; one cycle.
    reset: abandon what was sent in part; one cycle.
    inputs: of a step, less one.
    row: of a row, less one; only with maps.
    request: the payload.
    items: results and ends of steps, as bytes.
    room: there is room for an item in this part of the answer; steady while `split` is low.
    split: an item waits for room.
    finished: one cycle, after a payload;
    status: how it went;
    ended: the payload was read to its end.
    partly: a step was sent in part.
    activations: to the engine.
    results: from the engine.
    done: of the engine.
    cycles: of the step, from its done on.
    """

    run: Signal
    reset: Signal
    inputs: Signal
    row: Signal
    request: stream.Interface
    items: stream.Interface
    room: Signal
    split: Signal
    finished: Signal
    status: Signal
    ended: Signal
    partly: Signal
    activations: stream.Interface
    results: stream.Interface
    done: Signal
    cycles: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                **{name: In(1) for name in ("run", "reset", "room", "done")},
                **{name: Out(1) for name in ("split", "finished", "ended", "partly")},
                "status": Out(Status),
                "inputs": In(INPUTS_BITS),
                **({"row": In(INPUTS_BITS)} if config.maps.rows else {}),
                "cycles": In(32),
                "request": In(stream.Signature(BYTE)),
                "items": Out(stream.Signature(8)),
                "activations": Out(stream.Signature(input_layout(config))),
                "results": In(stream.Signature(output_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Flags, bytes of an activation, the activation; then results until the step is done."""
        m = Module()
        padding = Signal()
        over = Signal()
        left = Signal(INPUTS_BITS)
        self._mark_done(m, over)
        if self._config.maps.rows:
            self._mark_rows(m)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.sync += [self.status.eq(Status.OK), padding.eq(self.reset)]
                with m.If(self.run):
                    m.next = "FLAGS"
                with m.If(self.reset):
                    m.next = "FINISH"
                    with m.If(self.partly):
                        m.next = "OFFER"
            flags, word = self._collect(m, left)
            self._offer(m, flags, word, left, padding)
            self._answer(m, padding, over)
            with m.State("FINISH"):
                m.d.comb += self.finished.eq(1)
                m.next = "IDLE"
        return m

    def _collect(self, m: Module, left: Signal) -> tuple[Signal, Signal]:
        """Flags of a frame, and the bytes of an activation, the lowest first."""
        last = value_bytes(self._config) - 1
        flags = Signal(3)
        word = Signal(8 * (last + 1))
        part = Signal(bits_for(last))
        byte = self.request.payload
        with m.State("FLAGS"):
            m.d.comb += self.request.ready.eq(1)
            m.d.sync += part.eq(0)
            with m.If(self.request.valid):
                m.d.sync += [flags[1:].eq(byte.data[1:3]), self.ended.eq(byte.last)]
                m.next = "BYTES"
                with m.If(~self.partly):
                    m.d.sync += [flags[0].eq(byte.data[0]), left.eq(self.inputs)]
                with m.If(byte.last):
                    m.d.sync += self.status.eq(Status.LENGTH)
                    m.next = "FINISH"
        with m.State("BYTES"):
            m.d.comb += self.request.ready.eq(1)
            with m.If(self.request.valid):
                m.d.sync += [
                    word.eq(Cat(word, byte.data)[8:]),
                    self.ended.eq(byte.last),
                    part.eq(part + 1),
                ]
                with m.If(part == last):
                    m.d.sync += part.eq(0)
                    m.next = "OFFER"
                with m.Elif(byte.last):
                    m.d.sync += self.status.eq(Status.LENGTH)
                    m.next = "FINISH"
        return flags, word

    def _offer(self, m: Module, flags: Signal, word: Signal, left: Signal, padding: Signal) -> None:
        """An activation to the engine; zeros while padding."""
        payload = self.activations.payload
        m.d.comb += [
            payload.value.eq(Mux(padding, 0, word[: len(payload.value)])),
            payload.last.eq(left == 0),
        ]
        if self._config.cells:
            wanted = flags[2] | (flags[1] & self.ended)
            m.d.comb += [payload.reset.eq(flags[0]), payload.answer.eq(wanted & ~padding)]
        with m.State("OFFER"):
            m.d.comb += self.activations.valid.eq(1)
            with m.If(self.activations.ready):
                m.d.sync += [left.eq(left - 1), self.partly.eq(1)]
                m.next = "BYTES"
                with m.If(self.ended):
                    m.next = "FINISH"
                with m.If(padding):
                    m.next = "OFFER"
                with m.If(left == 0):
                    m.d.sync += [self.partly.eq(0), flags[0].eq(0), left.eq(self.inputs)]
                    m.next = "RESULTS"

    def _mark_done(self, m: Module, over: Signal) -> None:
        """The engine's done, kept."""
        with m.If(self.activations.valid):
            m.d.sync += over.eq(0)
        with m.If(self.done):
            m.d.sync += over.eq(1)

    def _mark_rows(self, m: Module) -> None:
        """The last activation of each row of a map."""
        left = Signal(INPUTS_BITS, name="row_left")
        ends = left == 0
        m.d.comb += self.activations.payload.row.eq(ends)
        with m.If(self.activations.valid & self.activations.ready):
            m.d.sync += left.eq(Mux(ends, self.row, left - 1))
        with m.Elif(~self.activations.valid & ~self.partly):
            m.d.sync += left.eq(self.row)

    def _answer(self, m: Module, padding: Signal, over: Signal) -> None:
        """Results as they come, and the end of the step."""
        config, size = self._config, longest_item(self._config)
        places = place_bytes(config)
        item = Signal(8 * size)
        count = Signal(range(size))
        closing = Signal()
        payload = self.results.payload
        m.d.comb += self.items.payload.eq(item[:8])
        with m.State("RESULTS"):
            m.d.comb += self.results.ready.eq(1)
            m.d.sync += closing.eq(0)
            with m.If(self.results.valid):
                position = Cat(payload.position, C(0, 8 * places - len(payload.position)))
                value = payload.value.as_unsigned()
                m.d.sync += [
                    item.eq(Cat(position, value, C(0, -len(value) % 8))),
                    count.eq(places + value_bytes(config) - 1),
                ]
                m.next = "ROOM"
                with m.If(padding):
                    m.next = "RESULTS"
            with m.Elif(over):
                m.d.sync += [
                    item.eq(Cat(C(0, 8 * places - 1), C(1, 1), self.cycles)),
                    count.eq(places + 3),
                    closing.eq(1),
                ]
                m.next = "ROOM"
                with m.If(padding):
                    m.next = "FINISH"
        with m.State("ROOM"):
            m.d.comb += self.split.eq(~self.room)
            with m.If(self.room):
                m.next = "ITEM"
        with m.State("ITEM"):
            m.d.comb += self.items.valid.eq(1)
            with m.If(self.items.ready):
                m.d.sync += [item.eq(item >> 8), count.eq(count - 1)]
                with m.If(count == 0):
                    m.next = "RESULTS"
                    with m.If(closing):
                        m.next = "BYTES"
                        with m.If(self.ended):
                            m.next = "FINISH"
