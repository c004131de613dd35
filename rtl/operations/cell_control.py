"""Cell control: which PE of a group runs its operations when, and which operation comes next."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from golden.format.program import FIRST, OPERATIONS, PROGRAMS, Function, Kind, Left, Shift
from rtl.layouts import OPERATION_WIDTH, operation_layout, phase_layout
from rtl.operations.function_unit import FunctionUnit


class CellControl(wiring.Component):
    """One operation a cycle; in a cycle without one it chooses the lowest PE that is ready.

    ready: of each PE, from when on its operations may begin, up to the phase's end. phase: steady
    meanwhile. end: the phase ends. operation: the one that begins in this cycle; look_address: of
    its peephole. over: the phase's last operation has begun; from the cycle after it to the end.

    After a reset, the port `reset` too, all sums are cleared, which takes `clear_cycles`; their
    operations are marked as `wipe`, and are all PEs'.
    """

    OVER_LATENCY = 1
    """From the phase's last operation to `over`."""

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
        super().__init__(
            {
                "ready": In(size),
                "phase": In(phase_layout(config)),
                "end": In(1),
                "operation": Out(operation_layout(config)),
                "look_address": Out(config.entry_address_width),
                "wipe": Out(1),
                "wipe_set": Out(max(1, config.sum_width - config.row_width)),
                "reset": In(1),
                "over": Out(1),
            }
        )

    @staticmethod
    def clear_cycles(config: EngineConfig) -> int:
        """Cycles after a reset until an input may come.

        The last sums are zero a few cycles later, but before an entry gets as far.
        """
        return (
            config.sum_sets * config.row_depth
            + config.entry_stages
            + 2 * config.multiplier_stages
            + 4
        )

    @staticmethod
    def wait(config: EngineConfig) -> int:
        """Cycles without an operation between two passes: until the results are written."""
        return config.multiplier_stages + 6 + FunctionUnit.LATENCY

    def elaborate(self, platform: object) -> Module:
        """The choice, and the operation's number and cell."""
        m = Module()
        size = self._size
        drained, slot, waiting = Signal(size), Signal(size), Signal(size)
        active, pausing = Signal(), Signal()
        lowest = waiting & (~waiting + 1)
        number, cell = Signal(range(len(OPERATIONS))), Signal(self._config.row_width)
        step = self._decode(m, number)
        done, tail = Signal(), cell == self.phase.rows
        m.d.comb += [
            waiting.eq(self.ready & ~drained),
            done.eq(active & ~pausing & step.last & tail & step.final),
        ]
        with m.If(active & ~pausing):
            with m.If(~step.last):
                m.d.sync += number.eq(number + 1)
            with m.Elif(~tail):
                m.d.sync += [cell.eq(cell + 1), number.eq(step.first)]
            with m.Else():
                m.d.sync += [number.eq(number + 1), cell.eq(0), pausing.eq(~step.final)]
        with m.If(active):
            m.d.sync += active.eq(~done)
        with m.Elif(waiting.any()):
            m.d.sync += [active.eq(1), slot.eq(lowest), drained.eq(drained | lowest)]
            m.d.sync += [cell.eq(0), number.eq(self._first())]
        self._pause(m, pausing)
        finished = Signal()
        m.d.sync += finished.eq(done & drained.all())
        with m.If(finished):
            m.d.sync += self.over.eq(1)
        with m.If(self.end):
            m.d.sync += [drained.eq(0), self.over.eq(0)]
        self._look(m, active & ~pausing, step)
        wiping, row = self._wipe(m)
        self._send(m, active & ~pausing, slot, number, cell, step, wiping, row)
        return m

    def _first(self) -> Value:
        """Number of the program's first operation."""
        kind = self.phase.kind
        first = [Const(FIRST[Kind(n)], OPERATION_WIDTH) for n in range(len(Kind))]
        return Mux(kind[1], Mux(kind[0], first[3], first[2]), Mux(kind[0], first[1], first[0]))

    def _pause(self, m: Module, pausing: Signal) -> None:
        """Wait between passes."""
        count = Signal(range(self.wait(self._config)))
        with m.If(pausing):
            m.d.sync += count.eq(count + 1)
            with m.If(count == self.wait(self._config) - 1):
                m.d.sync += [count.eq(0), pausing.eq(0)]

    def _look(self, m: Module, running: Value, step: data.View) -> None:
        """Address of the peephole: three of each cell, one after the other; anew in each pass."""
        first = Signal.like(self.look_address)
        with m.If(~running):
            m.d.sync += first.eq(self.phase.peephole)
        with m.Elif(step.last):
            m.d.sync += first.eq(first + 3)
        m.d.sync += self.look_address.eq(first + step.looks)

    def _decode(self, m: Module, number: Signal) -> data.View:
        """Fields of every operation, and where it is in its pass."""
        fields = {
            name: field.shape
            for name, field in operation_layout(self._config)
            if name not in ("valid", "slot", "number", "cell", "row")
        }
        fields |= {
            "gate": 2,
            "looks": 2,
            "dense": 1,
            "old": 1,
            "first": OPERATION_WIDTH,
            "last": 1,
            "final": 1,
        }
        shape = data.StructLayout(fields)
        step = Signal(shape)
        words = [Value.cast(shape.const({**values})) for values in _table()]
        # One constant that is looked into makes less logic in a row than as many cases.
        m.d.comb += step.eq(Cat(*words).word_select(number, shape.size))
        return step

    def _send(
        self,
        m: Module,
        valid: Value,
        slot: Signal,
        number: Signal,
        cell: Signal,
        step: data.View,
        wiping: Signal,
        row: Signal,
    ) -> None:
        """The operation, in a register."""
        sent = self.operation
        m.d.sync += [
            sent.valid.eq(valid | wiping),
            sent.slot.eq(_number(slot)),
            sent.number.eq(number),
            sent.cell.eq(cell),
            sent.row.eq(Mux(step.dense, cell, Cat(step.gate, cell))),
            sent.mask.eq(step.old & self.phase.fresh),
        ]
        copied = [name for name, _ in step.shape() if name in sent.shape().members]
        m.d.sync += [sent[name].eq(step[name]) for name in copied if name != "mask"]
        m.d.sync += self.wipe.eq(wiping)
        if self._config.delta:
            m.d.sync += sent.clear.eq(step.clear & ~self.phase.keep)
        with m.If(wiping):
            quiet = ("memory", "one", "look", "raw", "left_half", "right_half", "output", "join")
            m.d.sync += [sent[name].eq(0) for name in quiet]
            m.d.sync += [sent.sums.eq(1), sent.clear.eq(1), sent.row.eq(row)]

    def _wipe(self, m: Module) -> tuple[Signal, Signal]:
        """After a reset: wait until the pipeline is empty, then clear row after row."""
        config = self._config
        quiet = config.entry_stages + config.multiplier_stages + 2
        wait, started, wiping = Signal(range(quiet + 1)), Signal(), Signal()
        row, number = Signal(config.row_width), Signal(max(1, config.sum_width - config.row_width))
        with m.If(~started):
            m.d.sync += wait.eq(wait + 1)
            with m.If(wait == quiet):
                m.d.sync += [started.eq(1), wiping.eq(1)]
        with m.If(wiping):
            m.d.sync += row.eq(row + 1)
            with m.If(row == config.row_depth - 1):
                m.d.sync += [row.eq(0), number.eq(number + 1)]
                m.d.sync += wiping.eq(number != config.sum_sets - 1)
        with m.If(self.reset):
            m.d.sync += [wait.eq(0), started.eq(0), row.eq(0), number.eq(0)]
        m.d.sync += self.wipe_set.eq(number)
        return wiping, row


def _table() -> list[dict[str, int]]:
    """Fields of every operation of golden.format.program."""
    table = []
    for kind, nth, one in OPERATIONS:
        passes = PROGRAMS[kind]
        dense = kind is Kind.DENSE
        first = FIRST[kind] + sum(len(ops) for ops in passes[:nth])
        table.append(
            {
                "memory": one.left is Left.MEMORY,
                "one": one.left is Left.ONE,
                "look": one.left is Left.PEEPHOLE,
                "old": one.old,
                "sums": one.gate is not None or dense,
                "clear": (one.gate is not None or dense) and one.clear,
                "join": one.join,
                "more": one.shift is Shift.MORE,
                "product": one.shift is Shift.PRODUCT,
                "narrow": one.narrow,
                "raw": one.raw is not None,
                "left_half": one.half == "left",
                "right_half": one.half == "right",
                "output": one.output,
                "word": int(one.word),
                "target": int(one.target),
                "function": int(Function(one.function)),
                "looks": one.looks,
                "gate": one.gate or 0,
                "dense": dense,
                "first": first,
                "last": one is passes[nth][-1],
                "final": nth == len(passes) - 1,
            }
        )
    return [{name: int(value) for name, value in row.items()} for row in table]


def _number(one_hot: Value) -> Value:
    """Number of the only bit that is set."""
    bits = range((len(one_hot) - 1).bit_length())
    return Cat(Cat(one_hot[n] for n in range(len(one_hot)) if n >> bit & 1).any() for bit in bits)
