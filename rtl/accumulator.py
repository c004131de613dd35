"""Accumulators of a PE: one addition every cycle, to any row, without a stall."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.prim.ram import BlockRam


class Accumulator(wiring.Component):
    """sums[row] += product, read, added and written in a pipeline; and the drain's read and clear.

    real, row: an addition begins. product: its summand, one cycle later. commit, commit_row, total:
    two cycles after the begin, the new sum, which is written in this cycle. clear, clear_row: read
    a sum for the drain and set it to zero; never in the cycle of an addition or the two after it
    (asserted). sum: the sum that was read, one cycle after `clear`.
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
        """Three stages: read, add, write. Read-after-write is forwarded over both distances."""
        m = Module()
        m.submodules.ram = ram = BlockRam(width=self.total.shape().width, depth=self._depth)
        add_valid, add_row = Signal(), Signal.like(self.row, reset_less=True)
        near, far = self.hazards(add_valid, add_row)
        near_q, far_q = Signal(), Signal()
        previous = Signal.like(self.total, reset_less=True)
        clearing, clearing_row = Signal(), Signal.like(self.row, reset_less=True)
        m.d.comb += [
            # The sum being written now is taken from `previous` a cycle later, not from the memory.
            ram.r_en.eq(self.clear | (self.real & ~far)),
            ram.r_addr.eq(Mux(self.clear, self.clear_row, self.row)),
            self.sum.eq(ram.r_data),
            ram.w_en.eq(self.commit | clearing),
            ram.w_addr.eq(Mux(clearing, clearing_row, self.commit_row)),
            ram.w_data.eq(Mux(clearing, 0, self.total)),
        ]
        m.d.sync += Assert(
            ~((self.clear | clearing) & (self.real | add_valid | self.commit)),
            "an accumulator is drained while it adds",
        )
        base = Signal.like(self.total)
        m.d.comb += base.eq(Mux(near_q, self.total, Mux(far_q, previous, self.sum)))
        m.d.sync += [
            add_valid.eq(self.real),
            add_row.eq(self.row),
            near_q.eq(near),
            far_q.eq(far),
            previous.eq(self.total),
            self.commit.eq(add_valid),
            self.commit_row.eq(add_row),
            self.total.eq(base + self.product),
            clearing.eq(self.clear),
            clearing_row.eq(self.clear_row),
        ]
        return m

    def hazards(self, add_valid: Signal, add_row: Signal) -> tuple[Value, Value]:
        """Whether the row just asked for is being added to (near) or written (far) right now."""
        near = add_valid & (add_row == self.row)
        far = self.commit & (self.commit_row == self.row)
        return near, far
