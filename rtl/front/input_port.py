"""Input port: activations in column order go to the groups' activation memories in turn."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import ActCode
from rtl.layouts import input_layout
from rtl.prim.power import PowerCoder


class InputPort(wiring.Component):
    """Column j goes to group j mod groups, at index j div groups.

    Where activations are coded, an input is sent as up to `input_terms` powers, one a cycle.

    input: activations, one vector for each stream.
    idle: inputs may be taken.
    valid: one bit for each group: it stores an activation.
    index: the activation's index within the group.
    value: its value, or the word of a power.
    start: the last input is being taken, with its last power.
    row: a row of a map has ended a cycle ago; only with maps.

    With cells:

    close: a vector ends.
    stream: that of this stream.
    fresh: one bit for each stream: its state counts as zero; from start on to the next inputs.
    answer: results are requested; from the cycle after start on.
    wants_reset: an input waits until everything is forgotten; only with delta.
    """

    input: stream.Interface
    idle: Signal
    valid: Signal
    index: Signal
    value: Signal
    close: Signal
    stream: Signal
    start: Signal
    row: Signal
    fresh: Signal
    answer: Signal
    wants_reset: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Number of groups and widths come from `config`."""
        self._config = config
        cells = {
            "close": Out(1),
            "stream": Out(range(config.streams)),
            "fresh": Out(config.streams),
            "answer": Out(1),
        }
        super().__init__(
            {
                "input": In(stream.Signature(input_layout(config))),
                "idle": In(1),
                "valid": Out(config.groups),
                "index": Out(config.index_width),
                "value": Out(signed(config.act_width)),
                "start": Out(1),
                **({"row": Out(1)} if config.maps.rows else {}),
                **(cells if config.cells else {}),
                **({"wants_reset": Out(1)} if config.delta else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A rotating group select and an index; both restart after the last input."""
        m = Module()
        groups = self._config.groups
        select = Signal(groups, init=1)
        taken = Signal()
        idle = self.idle & ~self._waits(m) if self._config.delta else self.idle
        value, over = self._value(m, idle)
        # Where each is one word, all signals are those of its acceptance.
        ready = idle if over is None else idle & over
        if self._config.maps.rows:  # then its length is written
            ready = ready & ~self.row
        # Without cells an input is a single vector.
        close = self.close if self._config.cells else self.start
        m.d.comb += [
            self.input.ready.eq(ready),
            taken.eq(self.input.valid & ready),
            close.eq(taken & self.input.payload.last),
            self.value.eq(value),
            self.valid.eq(select & self._sends(taken, idle, over).replicate(groups)),
        ]
        ends: Value = close
        if self._config.maps.rows:
            ends = taken & self.input.payload.row
            m.d.sync += self.row.eq(ends)
        with m.If(ends):
            m.d.sync += [select.eq(1), self.index.eq(0)]
        with m.Elif(taken):
            m.d.sync += [
                select.eq(select.rotate_left(1)),
                self.index.eq(self.index + select[-1]),
            ]
        if self._config.cells:
            self._flags(m)
        return m

    def _sends(self, taken: Signal, idle: Value, over: Value | None) -> Value:
        """A word goes to a group."""
        return taken if over is None else self.input.valid & idle

    def _value(self, m: Module, idle: Value) -> tuple[Value, Value | None]:
        """The activation, or the word of its next power; and whether it is the last word.

        The first power is the nearest to the activation, each other one to what is left.
        """
        given, last = self.input.payload.value, self._config.items_per_input - 1
        if self._config.act_code is ActCode.LINEAR:
            return given, None
        if not last:
            return self._word(m, given), None
        left = Signal(signed(self._config.act_width))
        number = Signal(range(last + 1))
        over = Signal()
        value = Mux(number == 0, given, left)
        word = self._word(m, value)
        m.d.comb += over.eq((number == last) | ~word.any())
        with m.If(self.input.valid & idle):
            m.d.sync += left.eq(value - self._power(word))
            m.d.sync += number.eq(Mux(over, 0, number + 1))
        return word, over

    def _word(self, m: Module, value: Value) -> Value:
        """That of the power nearest to a signed value."""
        m.submodules.coder = coder = PowerCoder(config=self._config)
        negative = value[-1]
        m.d.comb += [
            coder.magnitude.eq((value << 1) ^ negative.replicate(self._config.act_width)),
            coder.negative.eq(negative),
        ]
        return coder.word

    def _power(self, word: Value) -> Value:
        """What a word stands for."""
        levels = self._config.act_levels
        value = Value.cast(0)
        for code, level in enumerate(levels, 1):
            value = value | Mux(word[:-1] == code, level, 0)
        return Mux(word[-1], -value, value)

    def _waits(self, m: Module) -> Value:
        """A vector that begins a sequence waits until the previous one is forgotten."""
        first = Signal(init=1)
        clean = Signal(init=1)
        asks = self.input.valid & self.input.payload.reset & first & ~clean
        m.d.comb += self.wants_reset.eq(asks & self.idle)
        with m.If(self.wants_reset):
            m.d.sync += clean.eq(1)
        with m.Elif(self.input.valid & self.input.ready):
            m.d.sync += [first.eq(self.start), clean.eq(0)]
        return asks

    def _flags(self, m: Module) -> None:
        """The flags beside a vector's last activation; at once, and then kept."""
        fresh = Signal.like(self.fresh)
        payload = self.input.payload
        m.d.comb += [
            self.start.eq(self.close & (self.stream == self._config.streams - 1)),
            self.fresh.eq(fresh),
        ]
        with m.If(self.close):
            m.d.sync += self.stream.eq(Mux(self.start, 0, self.stream + 1))
            m.d.sync += self.answer.eq(payload.answer)
            m.d.comb += self.fresh.bit_select(self.stream, 1).eq(payload.reset)
        m.d.sync += fresh.eq(self.fresh)
