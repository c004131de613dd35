"""Bytes from the host to activations; recovers when bytes were lost (docs/boards.md)."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.gateware.uart import check_divisor, countdown
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.kinds import bits_for
from rtl.layouts import input_layout


def bytes_per_activation(config: EngineConfig) -> int:
    """Bytes that the host sends for one activation."""
    return -(-config.act_width // 8)


def check_timeout(timeout: int, *, divisor: int) -> None:
    """Raise ElsieError if `timeout` is so short that a byte on its way counts as silence."""
    if timeout < 16 * divisor:
        raise ElsieError(
            f"board: timeout must be at least 16 x divisor = {16 * divisor} cycles, not {timeout}"
        )


class VectorInput(wiring.Component):
    """Collects the bytes of a vector, and hands each activation over as soon as it is complete.

    With cells in `config` a vector is one step of a sequence, and a byte of flags comes before it:
    bit 0 sets the state to zero first, bit 1 requests an answer; the others are ignored.

    bytes: from the receiver; taken at once unless an activation waits for the engine.
    lost: a byte was lost on the line.
    activations: to the engine; `last` with number n_in - 1.
    finished: the running inference's answer was sent or dropped; one cycle.
    discard: the running inference's answer must not be sent.
    busy: a vector has begun, and its answer was not yet sent or dropped.

    A vector is spoiled when a byte of it was lost or arrived while an inference ran. Bytes of a
    spoiled vector are dropped. When the line has been silent for `timeout` cycles within a vector
    or after a spoiled one, the vector is over: if the engine has taken a part of it, zeros fill
    the rest and `discard` is high until that inference has finished. So only vectors that arrived
    whole are answered.
    """

    bytes: stream.Interface
    lost: Signal
    activations: stream.Interface
    finished: Signal
    discard: Signal
    busy: Signal

    def __init__(self, *, config: EngineConfig, n_in: int, divisor: int, timeout: int) -> None:
        """`timeout` is in clock cycles, at least 16 bits of `divisor` cycles."""
        check_divisor(divisor)
        if n_in < 1:
            raise ElsieError(f"vector input: n_in must be at least 1, not {n_in}")
        check_timeout(timeout, divisor=divisor)
        self._config, self._n_in, self._timeout = config, n_in, timeout
        self._flags = config.cells > 0
        super().__init__(
            {
                "bytes": In(stream.Signature(8)),
                "lost": In(1),
                "activations": Out(stream.Signature(input_layout(config))),
                "finished": In(1),
                "discard": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Collect; pad a vector that broke off; wait while the inference runs."""
        m = Module()
        padding = Signal()
        spoiled = Signal()
        collecting = Signal()
        partly, ended = self._count(m)
        watching = Signal()
        silent = self._watch(m, watching)
        part, waiting = self._collect(m, collecting & ~spoiled, padding)
        # One cycle late, which affects neither the timer nor an LED.
        m.d.sync += [
            watching.eq(partly | (part != 0) | waiting | spoiled),
            self.busy.eq(watching | ~collecting),
        ]
        with m.If(self.lost | (~collecting & self.bytes.valid)):
            m.d.sync += spoiled.eq(1)
        with m.FSM(name="state"):
            with m.State("COLLECT"):
                m.d.comb += collecting.eq(1)
                with m.If(ended):
                    m.next = "RUN"
                with m.Elif(silent & ~waiting):
                    m.d.sync += [spoiled.eq(0), part.eq(0)]
                    with m.If(partly):
                        m.d.sync += self.discard.eq(1)
                        m.next = "PAD"
            with m.State("PAD"):
                m.d.comb += padding.eq(1)
                with m.If(ended):
                    m.next = "RUN"
            with m.State("RUN"), m.If(self.finished):
                m.d.sync += self.discard.eq(0)
                m.next = "COLLECT"
        return m

    def _count(self, m: Module) -> tuple[Signal, Signal]:
        """Whether the engine has taken a part of a vector; and when it takes the last."""
        left, last = countdown(self._n_in)
        partly = Signal()
        taken = Signal()
        ended = Signal()
        m.d.comb += [
            taken.eq(self.activations.valid & self.activations.ready),
            self.activations.payload.last.eq(last),
            ended.eq(taken & last),
        ]
        with m.If(taken):
            m.d.sync += [left.eq(Mux(last, self._n_in - 2, left - 1)), partly.eq(~last)]
        return partly, ended

    def _watch(self, m: Module, watching: Value) -> Signal:
        """High when `timeout` cycles passed without a byte; a byte now comes before the silence."""
        timer, over = countdown(self._timeout)
        silent = Signal()
        m.d.comb += silent.eq(over & ~self.bytes.valid & ~self.lost)
        with m.If(self.bytes.valid | self.lost | ~watching):
            m.d.sync += timer.eq(self._timeout - 2)
        with m.Elif(~over):
            m.d.sync += timer.eq(timer - 1)
        return silent

    def _collect(self, m: Module, enable: Value, padding: Signal) -> tuple[Signal, Signal]:
        """Bytes, the lowest first, to an activation; a step's flags come before its first byte.

        Returns the next byte's number, and whether an activation waits to be taken. With flags,
        number 0 is theirs, and an activation's bytes begin at 1.
        """
        first = 1 if self._flags else 0
        last = first + bytes_per_activation(self._config) - 1
        part = Signal(bits_for(last))
        waiting = Signal()
        word = Signal(8 * bytes_per_activation(self._config))
        taken = self.bytes.valid & self.bytes.ready & enable
        m.d.comb += self.bytes.ready.eq(~waiting | ~enable)
        with m.If(self.activations.ready):
            m.d.sync += waiting.eq(0)
        self._offer(m, word, waiting, padding)
        with m.If(taken):
            m.d.sync += [word.eq(Cat(word, self.bytes.payload)[8:]), part.eq(part + 1)]
            with m.If(part == last):
                m.d.sync += [part.eq(first), waiting.eq(1)]
        if self._flags:
            self._take_flags(m, taken & (part == 0))
            with m.If(waiting & self.activations.ready & self.activations.payload.last):
                m.d.sync += part.eq(0)
        return part, waiting

    def _offer(self, m: Module, word: Signal, waiting: Signal, padding: Signal) -> None:
        """The activation that was collected, or zeros."""
        value = self.activations.payload.value
        if self._flags:
            # Through the registers: an engine with cells has much logic after its input.
            m.d.comb += [self.activations.valid.eq(waiting), value.eq(word[: len(value)])]
            with m.If(padding & ~waiting):
                m.d.sync += [word.eq(0), waiting.eq(1)]
            return
        m.d.comb += self.activations.valid.eq(waiting | padding)
        with m.If(~padding):
            m.d.comb += value.eq(word[: len(value)])

    def _take_flags(self, m: Module, now: Value) -> None:
        """Hold the flags of a step until its last activation."""
        payload = self.activations.payload
        flags = Signal(2)
        m.d.comb += [payload.reset.eq(flags[0]), payload.answer.eq(flags[1])]
        with m.If(now):
            m.d.sync += flags.eq(self.bytes.payload)
