"""Bytes from the host to the activations of one step of a sequence (docs/boards.md)."""

from amaranth.hdl import Cat, Module, Signal, Value

from boards.gateware.vector_input import VectorInput, bytes_per_activation


class StepInput(VectorInput):
    """A `VectorInput` for an engine with cells: a byte of flags comes before each step's bytes.

    Bit 0 sets the state to zero first, bit 1 requests an answer; the others are ignored.
    """

    def _collect(self, m: Module, enable: Value, padding: Signal) -> tuple[Signal, Signal]:
        """As in VectorInput, but `part` counts the flags too, and is not 0 until the step ends."""
        size = bytes_per_activation(self._config)
        part = Signal(range(size + 1))
        waiting = Signal()
        word = Signal(8 * size)
        flags = Signal(2)
        payload = self.activations.payload
        taken = Signal()
        m.d.comb += [
            taken.eq(self.bytes.valid & self.bytes.ready & enable),
            self.bytes.ready.eq(~waiting | ~enable),
            self.activations.valid.eq(waiting),
            payload.value.eq(word[: self._config.act_width]),
            payload.reset.eq(flags[0]),
            payload.answer.eq(flags[1]),
        ]
        with m.If(self.activations.ready):
            m.d.sync += waiting.eq(0)
        with m.If(padding & ~waiting):
            # Through the registers: an engine with cells has much logic after its input.
            m.d.sync += [word.eq(0), waiting.eq(1)]
        with m.If(taken & (part == 0)):
            m.d.sync += [flags.eq(self.bytes.payload), part.eq(1)]
        with m.Elif(taken):
            m.d.sync += [word.eq(Cat(word, self.bytes.payload)[8:]), part.eq(part + 1)]
            with m.If(part == size):
                m.d.sync += [part.eq(1), waiting.eq(1)]
        with m.If(waiting & self.activations.ready & payload.last):
            m.d.sync += part.eq(0)
        return part, waiting
