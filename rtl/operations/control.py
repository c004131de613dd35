"""When each PE of a group runs its operations, and which operation comes next."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format.program import FIRST, Kind
from rtl.layouts import operation_layout, phase_layout
from rtl.operations.clearing import clearing
from rtl.operations.function_unit import FunctionUnit
from rtl.operations.table import CARRIED, constants, kinds, number_width, rows


class OperationControl(wiring.Component):
    """One operation a cycle; in a cycle without one it chooses the lowest PE that is ready.

    After a reset all sums are cleared (rtl.operations.clearing).

    ready: of each PE, its operations may begin; it stays so up to the phase's end.
    phase: the phase whose operations run; steady meanwhile.
    end: the phase ends.
    operation: the one that begins in this cycle.
    look_address: of its peephole; only with cells.
    wipe: all PEs clear the sum of row `operation.row`.
    wipe_set: of this set of sums; only where there are several.
    reset: clear all sums again; only with delta.
    over: the phase's last operation has begun; from `OVER_LATENCY` cycles after it to the end.
    """

    OVER_LATENCY = 1

    ready: Signal
    phase: data.View
    end: Signal
    operation: data.View
    look_address: Signal
    wipe: Signal
    wipe_set: Signal
    reset: Signal
    over: Signal

    def __init__(self, *, config: EngineConfig, size: int) -> None:
        """`size` PEs in this group."""
        self._config, self._size = config, size
        self._fixed = constants(config)
        more: dict[str, wiring.Member] = {}
        if config.cells:
            more["look_address"] = Out(config.entry_address_width)
        if config.sum_sets > 1:
            more["wipe_set"] = Out(range(config.sum_sets))
        if config.delta:
            more["reset"] = In(1)
        super().__init__(
            {
                "ready": In(size),
                "phase": In(phase_layout(config)),
                "end": In(1),
                "operation": Out(operation_layout(config)),
                "wipe": Out(1),
                "over": Out(1),
                **more,
            }
        )

    @staticmethod
    def wait(config: EngineConfig) -> int:
        """Cycles without an operation between two passes: until the results are written."""
        return config.multiplier_stages + 6 + config.stages.drain + FunctionUnit.LATENCY

    def elaborate(self, platform: object) -> Module:
        """The choice, and the operation's number and cell."""
        m = Module()
        config, size = self._config, self._size
        drained = Signal(size)
        slot = Signal(size)
        waiting = Signal(size)
        active = Signal()
        pausing = Signal()
        done = Signal()
        finished = Signal()
        lowest = waiting & (~waiting + 1)
        number = Signal(number_width(config))
        cell = Signal(config.row_width)
        step = self._decode(m, number)
        running = active & ~pausing
        m.d.comb += [
            waiting.eq(self.ready & ~drained),
            done.eq(running & step.last & (cell == self.phase.rows) & step.final),
        ]
        with m.If(running):
            self._advance(m, number, cell, step, pausing)
        with m.If(active):
            m.d.sync += active.eq(~done)
        with m.Elif(waiting.any()):
            m.d.sync += [active.eq(1), slot.eq(lowest), drained.eq(drained | lowest)]
            m.d.sync += [cell.eq(0), number.eq(self._first())]
        m.d.sync += finished.eq(done & drained.all())
        with m.If(finished):
            m.d.sync += self.over.eq(1)
        with m.If(self.end):
            m.d.sync += [drained.eq(0), self.over.eq(0)]
        self._send(m, running, slot, number, cell, step)
        if config.cells:
            self._pause(m, pausing)
            self._look(m, running, step)
        return m

    def _advance(
        self, m: Module, number: Signal, cell: Signal, step: data.View, pausing: Signal
    ) -> None:
        """The next operation of the cell, the pass on the next cell, or the next pass."""
        with m.If(~step.last):
            m.d.sync += number.eq(number + 1)
        with m.Elif(cell != self.phase.rows):
            m.d.sync += [cell.eq(cell + 1), number.eq(step.first)]
        with m.Else():
            m.d.sync += [number.eq(number + 1), cell.eq(0), pausing.eq(~step.final)]

    def _first(self) -> Value:
        """Number of the program's first operation."""
        if kinds(self._config) == (Kind.DENSE,):
            return Const(FIRST[Kind.DENSE], 1)
        kind = self.phase.kind
        first = [Const(FIRST[one], number_width(self._config)) for one in Kind]
        return Mux(kind[1], Mux(kind[0], first[3], first[2]), Mux(kind[0], first[1], first[0]))

    def _pause(self, m: Module, pausing: Signal) -> None:
        """Wait between passes."""
        count = Signal(range(self.wait(self._config)))
        with m.If(pausing):
            m.d.sync += count.eq(count + 1)
            with m.If(count == self.wait(self._config) - 1):
                m.d.sync += [count.eq(0), pausing.eq(0)]

    def _look(self, m: Module, running: Value, step: data.View) -> None:
        """Address of the peephole: three for each cell, in turn; restarts in each pass."""
        first = Signal.like(self.look_address)
        with m.If(~running):
            m.d.sync += first.eq(self.phase.peephole)
        with m.Elif(step.last):
            m.d.sync += first.eq(first + 3)
        m.d.sync += self.look_address.eq(first + step.looks)

    def _decode(self, m: Module, number: Signal) -> data.View:
        """Fields of the operation with this number, and where it is in its pass."""
        shape = data.StructLayout(
            {
                **CARRIED,
                **dict.fromkeys(("gate", "looks"), 2),
                **dict.fromkeys(("dense", "last", "final"), 1),
                "first": number_width(self._config),
            }
        )
        step = Signal(shape)
        words = [Value.cast(shape.const({**row})) for row in rows(self._config)]
        # One word selected from one long constant takes less logic than a case for each row.
        m.d.comb += step.eq(Cat(*words).word_select(number, shape.size))
        return step

    def _send(
        self,
        m: Module,
        running: Value,
        slot: Signal,
        number: Signal,
        cell: Signal,
        step: data.View,
    ) -> None:
        """The operation, in a register; after a reset, one that clears a row in all PEs."""
        sent, config = self.operation, self._config
        wiping, row, which = clearing(m, config, again=self.reset if config.delta else None)
        if config.sum_sets > 1:
            m.d.sync += self.wipe_set.eq(which)
        m.d.sync += [
            self.wipe.eq(wiping),
            sent.valid.eq(running),
            sent.slot.eq(_number(slot)),
            sent.row.eq(Mux(step.dense, cell, Cat(step.gate, cell))),
        ]
        fields = sent.shape().members
        m.d.sync += [sent[name].eq(step[name]) for name in CARRIED if name in fields]
        if config.cells:
            m.d.sync += [
                sent.number.eq(number),
                sent.cell.eq(cell),
                sent.mask.eq(step.old & self.phase.fresh),
            ]
        if config.delta:
            m.d.sync += sent.clear.eq(step.clear & ~self.phase.keep)
        with m.If(wiping):
            m.d.sync += sent.row.eq(row)
            if config.cells:
                m.d.sync += [sent.sums.eq(1), sent.clear.eq(1), sent.join.eq(0)]


def _number(one_hot: Value) -> Value:
    """Number of the only bit that is set."""
    bits = range((len(one_hot) - 1).bit_length())
    return Cat(Cat(one_hot[n] for n in range(len(one_hot)) if n >> bit & 1).any() for bit in bits)
