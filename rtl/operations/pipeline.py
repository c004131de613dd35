"""Operations on their way through a PE group: gives each stage what it needs, in time."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import GATE_FRAC, ActCode, bits_for
from rtl.layouts import access_layout, operation_layout, phase_layout, total_layout
from rtl.maps.window import Window
from rtl.operations.drain_unit import DrainUnit
from rtl.operations.function_unit import FunctionUnit
from rtl.operations.table import CARRIED, constants
from rtl.pe.accumulator import Accumulator
from rtl.pe.decoder import Decoder
from rtl.prim.delay import Chains
from rtl.probe import Events, fields


class OperationPipeline(wiring.Component):
    """Delays an operation's parts, and sends results where they belong.

    operation: from the control.
    wipe: all PEs clear a sum instead.
    wipe_set: of this set of sums; only where there are several.
    phase: steady while any of its operations is on its way.
    to_add: one bit for each PE: its accumulator takes part; with `stages.clear` a cycle later.
    totals: what the accumulator does.
    bias_read: a bias is due.
    bias_address: its address in the column memory.
    bias: the bias, a cycle later, or more with `stages.drain`.
    results: of the PEs' accumulators.
    output: an activation leaves the drain.
    index: its index within the group.
    activation: its value.

    With cells:

    access: of each PE, its cell memory's; the read is `entry_stages` cycles after the operation.
    half: the halves that are written in any of them.

    With maps:

    close: a cycle after a drain's last activation.
    some: the activation is not zero.
    """

    operation: data.View
    wipe: Signal
    wipe_set: Signal
    phase: data.View
    to_add: Signal
    totals: data.View
    bias_read: Signal
    bias_address: Signal
    bias: Signal
    results: data.View
    output: Signal
    index: Signal
    activation: Signal
    access: data.View
    half: Signal
    close: Signal
    some: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        self._fixed = constants(config)
        self._names = operation_layout(config).members
        self._chains = Chains()
        cells = {
            "access": Out(data.ArrayLayout(access_layout(config), size)),
            "half": Out(2),
        }
        super().__init__(
            {
                "operation": In(operation_layout(config)),
                "wipe": In(1),
                "phase": In(phase_layout(config)),
                "to_add": Out(size),
                "totals": Out(total_layout(config)),
                "bias_read": Out(1),
                "bias_address": Out(config.column_width),
                "bias": In(signed(config.acc_width)),
                "results": In(data.ArrayLayout(signed(config.acc_width), size)),
                "output": Out(1),
                "index": Out(config.index_width),
                "activation": Out(signed(config.act_width)),
                **({"wipe_set": In(range(config.sum_sets))} if config.sum_sets > 1 else {}),
                **(cells if config.cells else {}),
                **({"close": Out(1), "some": Out(1)} if config.maps.rows else {}),
            }
        )

    @staticmethod
    def _total(config: EngineConfig) -> int:
        """From an operation to its turn in the accumulator."""
        return config.entry_stages + Decoder.LATENCY + config.multiplier_stages - 2

    @classmethod
    def result_latency(cls, config: EngineConfig) -> int:
        """From an operation to its requantised total."""
        return cls._total(config) + Accumulator.result_latency(config) + DrainUnit.latency(config)

    def events(self, operation: data.View) -> Events:
        """Signals of the group's own events, for the trace; `operation` is the control's."""
        drain = {"valid": self.output, "index": self.index, "value": self.activation}
        if self._config.maps.rows:
            return {"drain": drain, "steal": {**fields(operation), "address": operation.row}}
        if not self._config.cells:
            return {"drain": drain}
        last = self.access[0]
        slots = [self.access[slot].write.any() for slot in range(self._size)]
        return {
            "drain": drain,
            "operation": {**fields(operation), "operation": operation.number},
            "gate": {
                "valid": self.half.any(),
                # The last group may have fewer PEs.
                "slots": Cat(slots, Const(0, self._config.group - len(slots))),
                "half": self.half[1],
                "address": last.write_address,
                "value": last.value,
            },
        }

    def elaborate(self, platform: object) -> Module:
        """Operands, totals, results."""
        m = Module()
        config = self._config
        begin = self._total(config)
        self._totals(m, begin - config.stages.clear)
        self._bias(m, begin + Accumulator.result_latency(config) - 1)
        m.submodules.drain = drain = DrainUnit(config=config, size=self._size)
        self._drain(m, drain, begin + Accumulator.result_latency(config))
        at = self.result_latency(config)
        self._output(m, drain, at)
        if config.cells:
            self._operands(m, config.entry_stages)
            self._write(m, drain, at)
        return m

    def _at(self, m: Module, name: str, cycles: int) -> Value:
        """A field of the operation, `cycles` cycles after it began."""
        if name in self._fixed and name in CARRIED:
            return Const(self._fixed[name], CARRIED[name])
        value = getattr(self, name) if name.startswith("wipe") else self.operation[name]
        first = name in ("valid", "wipe")
        return self._chains.at(m, name, value, cycles=cycles, reset_less=not first)

    def _either(self, m: Module, name: str, cycles: int) -> Value:
        """The operation's cell or unit; a row counts as one where there are none."""
        return self._at(m, name if name in self._names else "row", cycles)

    def _mine(self, m: Module, cycles: int) -> Value:
        """One bit for each PE: the operation belongs to it."""
        valid, slot = self._at(m, "valid", cycles), self._at(m, "slot", cycles)
        return Cat(valid & (slot == number) for number in range(self._size))

    def _totals(self, m: Module, begin: int) -> None:
        """The accumulator's part."""
        config, totals = self._config, self.totals
        wipe, row = self._at(m, "wipe", begin), self._at(m, "row", begin)
        m.d.comb += self.to_add.eq(self._mine(m, begin) | wipe.replicate(self._size))
        if config.sum_sets > 1:
            chosen = self.phase.layer if config.delta else self.phase.odd
            row = Cat(row, Mux(wipe, self._at(m, "wipe_set", begin), chosen))
        m.d.comb += totals.row.eq(row)
        if config.cells:
            names = ("sums", "clear", "join")
            m.d.comb += [totals[name].eq(self._at(m, name, begin)) for name in names]

    def _bias(self, m: Module, read: int) -> None:
        """The bias of the row whose sum is added."""
        row, slot = self._either(m, "unit", read - 1), self._at(m, "slot", read - 1)
        address = Signal(self._config.column_width, reset_less=True)
        m.d.sync += address.eq(self.phase.bias_base + self._numbered(row, slot))
        m.d.comb += [
            self.bias_read.eq(self._at(m, "valid", read) & self._at(m, "sums", read)),
            self.bias_address.eq(address),
        ]

    def _numbered(self, row: Value, slot: Value) -> Value:
        """Number within the group: row x group + slot."""
        group = self._config.group
        if group == 1:
            return row
        if group & (group - 1) == 0:
            return Cat(slot[: bits_for(group - 1)], row)
        return row * group + slot

    def _drain(self, m: Module, drain: DrainUnit, at: int) -> None:
        """The total's choice, bias, shift and function."""
        config, settings = self._config, drain.settings
        m.d.comb += [
            *(drain.results[number].eq(self.results[number]) for number in range(self._size)),
            drain.slot.eq(self._at(m, "slot", at)),
            drain.bias.eq(self.bias),
            settings.shift.eq(self.phase.shift),
            settings.relu.eq(self.phase.relu),
        ]
        if config.act_code is not ActCode.LINEAR:
            m.d.comb += settings.coded.eq(self.phase.coded)
        if not config.cells:
            if config.functions:
                m.d.comb += drain.function.eq(self.phase.function)
            return
        added, late = at + config.stages.drain, at + DrainUnit.latency(config)
        more, product = self._at(m, "more", added + 1), self._at(m, "product", added + 1)
        of_layer = self.phase.function if config.functions else 0
        m.d.comb += [
            drain.with_bias.eq(self._at(m, "sums", added)),
            settings.shift.eq(Mux(product, GATE_FRAC - config.shift_low, self.phase.shift + more)),
            drain.state.eq(self._at(m, "raw", late)),
            # Of the operation, or of a fully connected layer.
            drain.function.eq(self._at(m, "function", late) | of_layer),
            drain.narrow.eq(self._at(m, "narrow", late)),
        ]

    def _output(self, m: Module, drain: DrainUnit, at: int) -> None:
        """Activations: requantised sums, or later a function's values."""

        def number(cycles: int) -> Value:
            return self._numbered(self._either(m, "cell", cycles), self._at(m, "slot", cycles))

        output = self._at(m, "valid", at) & self._at(m, "output", at)
        index, activation = number(at), drain.value
        if self._config.functions:
            # Decided here: when the value comes, a next phase with another function may have begun.
            valued = self.phase.function.any()
            late: Value = output & valued
            for nth in range(FunctionUnit.LATENCY):
                register = Signal(name=f"valued_{nth}")
                m.d.sync += register.eq(late)
                late = register
            output = (output & ~valued) | late
            index = Mux(late, number(at + FunctionUnit.LATENCY), index)
            activation = Mux(late, drain.valued, drain.value)
        if self._config.maps.rows:
            output, activation = self._pooled(m, output, activation, at)
        m.d.comb += [
            self.output.eq(output),
            self.index.eq(index),
            self.activation.eq(activation),
        ]

    def _pooled(self, m: Module, output: Value, activation: Value, at: int) -> tuple[Value, Value]:
        """Only the largest activation of each window; and the end of the drain."""
        m.submodules.window = window = Window(config=self._config)
        m.d.comb += [window.opens.eq(self._at(m, "opens", at)), window.value.eq(activation)]
        m.d.comb += self.some.eq(window.some)
        m.d.sync += self.close.eq(self._at(m, "valid", at) & self._at(m, "ends", at))
        return output & self._at(m, "closes", at), window.largest

    def _word(self, word: Value, cell: Value) -> Value:
        """Address of a cell's word A, B or C."""
        config = self._config
        first = config.streams * config.cells
        base = Mux(word[1], first + config.cells, Mux(word[0], first, self.phase.state))
        return base + cell

    def _operands(self, m: Module, read: int) -> None:
        """The cell memory's read, and a cycle later the multiplier's operands."""
        address = Signal(self._config.cell_width, reset_less=True)
        word, cell = self._at(m, "word", read - 1), self._at(m, "cell", read - 1)
        m.d.sync += address.eq(self._word(word, cell))
        memory, one, look, mask = (
            self._at(m, name, read + 1) for name in ("memory", "one", "look", "mask")
        )
        reads, multiplies = self._mine(m, read), self._mine(m, read + 1)
        for number in range(self._size):
            access = self.access[number]
            m.d.comb += [
                access.read.eq(reads[number]),
                access.address.eq(address),
                access.use_left.eq(multiplies[number] & (memory | one)),
                access.use_right.eq(multiplies[number] & (memory | one | look)),
                access.one.eq(one),
                access.mask.eq(mask),
            ]

    def _write(self, m: Module, drain: DrainUnit, at: int) -> None:
        """The cell memories' write: a state immediately, or a function's value later."""
        late = at + FunctionUnit.LATENCY
        raw = self._at(m, "valid", at) & self._at(m, "raw", at)
        left, right = self._at(m, "left_half", late), self._at(m, "right_half", late)
        valued = self._at(m, "valid", late) & (left | right)
        state = self.phase.state + self._at(m, "cell", at)
        other = self._word(self._at(m, "target", late), self._at(m, "cell", late))
        slot = Mux(raw, self._at(m, "slot", at), self._at(m, "slot", late))
        half = Mux(raw, 0b10, Cat(valued & left, valued & right))
        m.d.comb += self.half.eq(half)
        for number in range(self._size):
            access = self.access[number]
            m.d.comb += [
                access.write.eq(half & (slot == number).replicate(2)),
                access.write_address.eq(Mux(raw, state, other)),
                access.value.eq(Mux(raw, drain.value, drain.valued)),
            ]
