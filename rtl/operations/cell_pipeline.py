"""Operations on their way through a PE group: what each stage needs, when it needs it."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.kinds import CELL_WIDTH, GATE_FRAC, bits_for
from rtl.layouts import operand_layout, operation_layout, phase_layout, total_layout
from rtl.operations.cell_drain import CellDrain
from rtl.operations.function_unit import FunctionUnit
from rtl.pe.cell_accumulator import CellAccumulator
from rtl.pe.decoder import Decoder


class CellPipeline(wiring.Component):
    """Delays an operation's parts, and sends results where they belong.

    operation, wipe, wipe_set: from the cell control. phase: steady while it has operations on their
    way. `to_...`: one bit for each PE. read, address: of the cell memory, `entry_stages` cycles
    after the operation; operands: a cycle later, for the PE's multiplier; totals: for its
    accumulator. bias_read, bias_address, bias: of the column memory. results: of the PEs'
    accumulators. write, write_left, write_right, write_address, value: of the cell memory. output,
    index, activation: an activation. gate: the write, for traces.
    """

    @staticmethod
    def result_latency(config: EngineConfig) -> int:
        """From an operation to its requantised total."""
        begin = config.entry_stages + Decoder.LATENCY + config.multiplier_stages - 2
        return begin + CellAccumulator.RESULT + CellDrain.LATENCY

    operation: data.View
    wipe: Signal
    wipe_set: Signal
    phase: data.View
    to_read: Signal
    address: Signal
    to_multiply: Signal
    operands: data.View
    to_add: Signal
    totals: data.View
    bias_read: Signal
    bias_address: Signal
    bias: Signal
    results: data.View
    to_write: Signal
    half: Signal
    write_address: Signal
    value: Signal
    output: Signal
    index: Signal
    activation: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        self._chains: dict[str, list[Any]] = {}
        super().__init__(
            {
                "operation": In(operation_layout(config)),
                "wipe": In(1),
                "wipe_set": In(max(1, config.sum_width - config.row_width)),
                "phase": In(phase_layout(config)),
                "to_read": Out(size),
                "address": Out(config.cell_width),
                "to_multiply": Out(size),
                "operands": Out(operand_layout(config)),
                "to_add": Out(size),
                "totals": Out(total_layout(config)),
                "bias_read": Out(1),
                "bias_address": Out(config.column_width),
                "bias": In(signed(config.acc_width)),
                "results": In(data.ArrayLayout(signed(config.acc_width), size)),
                "to_write": Out(2 * size),
                "half": Out(2),
                "write_address": Out(config.cell_width),
                "value": Out(signed(CELL_WIDTH)),
                "output": Out(1),
                "index": Out(config.index_width),
                "activation": Out(signed(CELL_WIDTH)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Operands, totals, results."""
        m = Module()
        config = self._config
        entry = config.entry_stages
        begin = entry + Decoder.LATENCY + config.multiplier_stages - 2
        self._operands(m, entry)
        self._totals(m, begin)
        m.submodules.drain = drain = CellDrain(config=config, size=self._size)
        self._drain(m, drain, begin + CellAccumulator.RESULT)
        self._results(m, drain, self.result_latency(config))
        return m

    def _at(self, m: Module, name: str, cycles: int) -> Any:
        """A field of the operation, `cycles` cycles after it began."""
        fixed = {"wipe": self.wipe, "wipe_set": self.wipe_set}
        chain = self._chains.setdefault(
            name, [fixed[name] if name in fixed else self.operation[name]]
        )
        while len(chain) <= cycles:
            before = chain[-1]
            register = Signal(
                Value.cast(before).shape(),
                name=f"{name}_{len(chain)}",
                reset_less=name not in ("valid", "wipe"),
            )
            m.d.sync += register.eq(before)
            chain.append(register)
        return chain[cycles]

    def _mine(self, m: Module, cycles: int) -> Value:
        """One bit for each PE: the operation is its own."""
        valid, slot = self._at(m, "valid", cycles), self._at(m, "slot", cycles)
        return Cat(valid & (slot == number) for number in range(self._size))

    def _word(self, word: Value, cell: Value) -> Value:
        """Address of a cell's word A, B or C."""
        config = self._config
        first = config.streams * config.cells
        base = Mux(word[1], first + config.cells, Mux(word[0], first, self.phase.state))
        return base + cell

    def _operands(self, m: Module, entry: int) -> None:
        """The cell memory's read, and a cycle later the multiplier's operands."""
        address = Signal(self._config.cell_width, reset_less=True)
        m.d.sync += address.eq(
            self._word(self._at(m, "word", entry - 1), self._at(m, "cell", entry - 1))
        )
        memory, one, look, mask = (
            self._at(m, name, entry + 1) for name in ("memory", "one", "look", "mask")
        )
        m.d.comb += [
            self.to_read.eq(self._mine(m, entry)),
            self.address.eq(address),
            self.to_multiply.eq(self._mine(m, entry + 1)),
            self.operands.memory.eq(memory),
            self.operands.one.eq(one),
            self.operands.use_left.eq(memory | one),
            self.operands.use_right.eq(memory | one | look),
            self.operands.mask.eq(mask),
        ]

    def _totals(self, m: Module, begin: int) -> None:
        """The accumulator's part, and then the bias."""
        config, totals = self._config, self.totals
        wipe = self._at(m, "wipe", begin)
        m.d.comb += [
            self.to_add.eq(self._mine(m, begin) | wipe.replicate(self._size)),
            totals.set.eq(
                Mux(
                    wipe,
                    self._at(m, "wipe_set", begin),
                    self.phase.layer if config.delta else self.phase.odd,
                )
            ),
            *(totals[name].eq(self._at(m, name, begin)) for name in ("row", "sums", "clear")),
            totals.join.eq(self._at(m, "join", begin)),
        ]
        read = begin + CellAccumulator.RESULT - 1
        row, slot = self._at(m, "row", read - 1), self._at(m, "slot", read - 1)
        address = Signal(config.column_width, reset_less=True)
        m.d.sync += address.eq(self.phase.bias_base + self._numbered(row, slot))
        m.d.comb += [
            self.bias_read.eq(
                self._at(m, "valid", read) & self._at(m, "sums", read) & ~self._at(m, "wipe", read)
            ),
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

    def _drain(self, m: Module, drain: CellDrain, at: int) -> None:
        """The total's choice, bias and shift."""
        config, settings = self._config, drain.settings
        more, product = self._at(m, "more", at + 1), self._at(m, "product", at + 1)
        layer = self.phase.shift + more
        m.d.comb += [
            *(drain.results[number].eq(self.results[number]) for number in range(self._size)),
            drain.slot.eq(self._at(m, "slot", at)),
            drain.bias.eq(self.bias),
            drain.with_bias.eq(self._at(m, "sums", at)),
            settings.shift.eq(Mux(product, GATE_FRAC - config.shift_low, layer)),
            settings.relu.eq(self.phase.relu),
        ]

    def _results(self, m: Module, drain: CellDrain, at: int) -> None:
        """Activations and states at once, functions' values later."""
        late = at + FunctionUnit.LATENCY
        raw, output = self._at(m, "raw", at), self._at(m, "output", at)
        valid = self._at(m, "valid", at)
        m.d.comb += [
            drain.state.eq(raw),
            drain.function.eq(self._at(m, "function", at)),
            drain.narrow.eq(self._at(m, "narrow", at)),
            self.output.eq(valid & output),
            self.index.eq(self._numbered(self._at(m, "cell", at), self._at(m, "slot", at))),
            self.activation.eq(drain.value),
        ]
        self._write(m, drain, at, late, valid & raw)

    def _write(self, m: Module, drain: CellDrain, at: int, late: int, raw: Value) -> None:
        """The cell memories' write: a state, or else a function's value."""
        left, right = self._at(m, "left_half", late), self._at(m, "right_half", late)
        valued = self._at(m, "valid", late) & (left | right)
        state = self.phase.state + self._at(m, "cell", at)
        other = self._word(self._at(m, "target", late), self._at(m, "cell", late))
        slot = Mux(raw, self._at(m, "slot", at), self._at(m, "slot", late))
        half = Mux(raw, 0b10, Cat(valued & left, valued & right))
        m.d.comb += [
            self.half.eq(half),
            self.to_write.eq(
                Cat(half & (slot == number).replicate(2) for number in range(self._size))
            ),
            self.write_address.eq(Mux(raw, state, other)),
            self.value.eq(Mux(raw, drain.value, drain.valued)),
        ]
