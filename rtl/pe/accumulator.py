"""Accumulators of a PE: one addition every cycle, to any row, without a stall."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.prim.adder import SelectAdder
from rtl.prim.ram import BlockRam


class Accumulator(wiring.Component):
    """sums[row] += product, read, added and written in a pipeline; and the drain's read and clear.

    real, row: an addition begins. product: its summand, two cycles later; 0 when none was due for
    some time. commit, commit_row, total: two cycles after the begin, the new sum, which is written
    in this cycle. clear, clear_row: read a sum for the drain and set it to zero; never within three
    cycles after an addition began (asserted), and only with product 0 in the cycle after. sum: the
    sum that was read, one cycle after `clear`.
    """

    LATENCY = 2
    """From the begin of an addition to its commit."""

    real: Signal
    row: Signal
    product: Signal
    commit: Signal
    commit_row: Signal
    total: Signal
    clear: Signal
    clear_row: Signal
    sum: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and depth come from `config`."""
        self._depth = config.row_depth
        super().__init__(
            {
                "real": In(1),
                "row": In(config.row_width),
                "product": In(signed(config.product_width)),
                "commit": Out(1),
                "commit_row": Out(config.row_width),
                "total": Out(signed(config.acc_width)),
                "clear": In(1),
                "clear_row": In(config.row_width),
                "sum": Out(signed(config.acc_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Read; keep what was read; add and write. Read-after-write is forwarded twice."""
        m = Module()
        width = self.total.shape().width
        m.submodules.ram = ram = BlockRam(width=width, depth=self._depth)
        m.submodules.adder = adder = SelectAdder(width=width)
        begun, row = Signal(), Signal.like(self.row, reset_less=True)
        clearing = Signal()
        near, far = self.hazards(begun, row)
        near_1, near_2, far_1 = Signal(), Signal(), Signal()
        base, previous = Signal(signed(width)), Signal(signed(width), reset_less=True)
        m.d.comb += [
            # The sum being written now is taken from `previous` a cycle later, not from the memory.
            ram.r_en.eq(self.clear | (self.real & ~far)),
            ram.r_addr.eq(Mux(self.clear, self.clear_row, self.row)),
            self.sum.eq(ram.r_data),
            adder.addend.eq(self.product),
            adder.base.eq(base),
            adder.other.eq(previous),
            adder.select.eq(near_2),
            self.total.eq(adder.sum),
            ram.w_en.eq(self.commit | clearing),
            ram.w_addr.eq(self.commit_row),
            ram.w_data.eq(self.total),
        ]
        m.d.sync += [
            begun.eq(self.real),
            row.eq(self.row),
            near_1.eq(near),
            near_2.eq(near_1),
            far_1.eq(far),
            base.eq(Mux(far_1, previous, self.sum)),
            previous.eq(self.total),
            self.commit.eq(begun),
            self.commit_row.eq(row),
            clearing.eq(self.clear),
        ]
        with m.If(self.clear):
            # So that zero is written in the next cycle, without a choice behind the adder.
            m.d.sync += [base.eq(0), near_2.eq(0), self.commit_row.eq(self.clear_row)]
        m.d.sync += [
            Assert(
                ~((self.clear | clearing) & (self.real | begun | self.commit)),
                "an accumulator is drained while it adds",
            ),
            Assert(~clearing | (self.total == 0), "a sum is not cleared to zero"),
        ]
        return m

    def hazards(self, begun: Signal, row: Signal) -> tuple[Value, Value]:
        """Whether the row just asked for was asked for one (near) or two (far) cycles ago."""
        near = begun & (row == self.row)
        far = self.commit & (self.commit_row == self.row)
        return near, far
