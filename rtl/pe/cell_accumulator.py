"""Accumulators of a PE with cells: additions to any row, and totals of cell operations."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.prim.adder import SelectAdder
from rtl.prim.ram import BlockRam


class CellAccumulator(wiring.Component):
    """As Accumulator, sums[row] += product; or total = product + a sum, 0, or the total before.

    real, row: an addition begins; product: its summand, two cycles later; 0 where none is due.
    commit, commit_row, total: two cycles after the begin, the new sum, which is written in this
    cycle. operate: an operation begins instead. sums: it adds the sum of `row`; clear: and sets it
    to zero. join: it adds the total of the operation that began a cycle before. result: the
    operation's total, `RESULT` cycles after its begin. An operation's row must not be one that an
    addition began on two cycles ago or later, nor may anything begin so soon on a row that an
    operation clears (asserted).
    """

    LATENCY = 2
    """From the begin of an addition to its commit."""

    RESULT = 3
    """From the begin of an operation to its result."""

    real: Signal
    row: Signal
    product: Signal
    commit: Signal
    commit_row: Signal
    total: Signal
    operate: Signal
    sums: Signal
    clear: Signal
    join: Signal
    result: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and depth come from `config`."""
        width = config.sum_width
        # A whole power of two: between operations the row is anything.
        self._depth = 1 << width
        super().__init__(
            {
                "real": In(1),
                "row": In(width),
                "product": In(signed(config.product_width)),
                "commit": Out(1),
                "commit_row": Out(width),
                "total": Out(signed(config.acc_width)),
                "operate": In(1),
                "sums": In(1),
                "clear": In(1),
                "join": In(1),
                "result": Out(signed(config.acc_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Read; keep what was read; add and write. Read-after-write is forwarded twice."""
        m = Module()
        width = self.total.shape().width
        m.submodules.ram = ram = BlockRam(width=width, depth=self._depth)
        m.submodules.adder = adder = SelectAdder(width=width)
        begun, row = Signal(), Signal.like(self.row, reset_less=True)
        clear_1, clearing, nothing = Signal(), Signal(), Signal()
        near, far = self.hazards(begun, row)
        near_1, near_2, far_1 = Signal(), Signal(), Signal()
        base = Signal(signed(width))
        m.d.comb += [
            # The sum being written now is taken from `result` a cycle later, not from the memory.
            ram.r_en.eq((self.operate & self.sums) | (self.real & ~far)),
            ram.r_addr.eq(self.row),
            adder.addend.eq(self.product),
            adder.base.eq(base),
            adder.other.eq(self.result),
            adder.select.eq(near_2),
            self.total.eq(adder.sum),
            ram.w_en.eq(self.commit | clearing),
            ram.w_addr.eq(self.commit_row),
            ram.w_data.eq(Mux(clearing, 0, self.total)),
        ]
        m.d.sync += [
            begun.eq(self.real),
            row.eq(self.row),
            clear_1.eq(self.operate & self.clear),
            clearing.eq(clear_1),
            nothing.eq(self.operate & ~self.sums),
            near_1.eq(Mux(self.operate, self.join, near)),
            near_2.eq(near_1),
            far_1.eq(far),
            base.eq(Mux(far_1, self.result, ram.r_data)),
            self.result.eq(self.total),
            self.commit.eq(begun),
            self.commit_row.eq(row),
        ]
        with m.If(nothing):
            m.d.sync += base.eq(0)
        m.d.sync += [
            Assert(~(self.operate & self.real), "an operation and an addition begin together"),
            Assert(
                ~(self.operate & self.sums & (near | far)),
                "a sum is taken while it is added to",
            ),
            Assert(
                ~((self.real | (self.operate & self.sums)) & self._clears(clear_1, clearing, row)),
                "a sum is asked for while it is cleared",
            ),
        ]
        return m

    def _clears(self, clear_1: Signal, clearing: Signal, row: Signal) -> Value:
        """Whether the row just asked for was cleared one or two cycles ago."""
        return (clear_1 & (row == self.row)) | (clearing & (self.commit_row == self.row))

    def hazards(self, begun: Signal, row: Signal) -> tuple[Value, Value]:
        """Whether the row just asked for was asked for one (near) or two (far) cycles ago."""
        near = begun & (row == self.row)
        far = self.commit & (self.commit_row == self.row)
        return near, far
