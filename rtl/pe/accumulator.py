"""The sums of a PE: an addition every cycle, to any row, without a stall; and operations."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import total_layout
from rtl.prim.adder import SelectAdder
from rtl.prim.ram import BlockRam, LutRam, has_lut_ram

_LUT_RAM_DEPTH = 16
"""Words of the smallest LUT RAM; a larger one needs a choice behind it."""


class Accumulator(wiring.Component):
    """Additions, sums[row] += product; and operations, which take a sum and set it to zero.

    Without cells an operation only reads: the result is the sum. With cells it goes through the
    adder: the result is product + a sum, or the total of the previous operation, or 0.

    A block RAM is read a cycle before the addition, so sums that are about to be written must be
    forwarded. LUT RAM, where there is any, is read and written in the addition's own cycle. Both
    forms do the same in the same cycles.

    real: an addition begins.
    row: address of its sum.
    product: its summand, two cycles later; 0 when nothing is due.
    commit: two cycles after the begin, the new sum is written at the end of this cycle.
    commit_row: address of that sum.
    total: that sum.
    operate: an operation begins, and no addition (asserted).
    totals: what it does (rtl.layouts.total_layout).
    result: the sum or total, `result_latency` cycles after the operation's begin.

    With maps too an operation only reads, but additions begin before and after it.

    An operation's sum must not be one on which an addition began in the last two cycles, and a sum
    that an operation clears may not be read within the next two (asserted).
    """

    LATENCY = 2
    """From the begin of an addition to its commit."""

    real: Signal
    row: Signal
    product: Signal
    commit: Signal
    commit_row: Signal
    total: Signal
    operate: Signal
    totals: data.View
    result: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths and depth come from `config`."""
        width = config.sum_width
        self._cells, self._maps = config.cells > 0, config.maps.rows > 0
        # With cells or maps a full power of two, because at times the address is arbitrary.
        self._depth = 1 << width if self._cells or self._maps else config.row_depth
        super().__init__(
            {
                "real": In(1),
                "row": In(width),
                "product": In(signed(config.product_width)),
                "commit": Out(1),
                "commit_row": Out(width),
                "total": Out(signed(config.acc_width)),
                "operate": In(1),
                "totals": In(total_layout(config)),
                "result": Out(signed(config.acc_width)),
            }
        )

    @staticmethod
    def result_latency(config: EngineConfig) -> int:
        """From the begin of an operation to its result."""
        return 3 if config.cells else 1

    def elaborate(self, platform: object) -> Module:
        """In LUT RAM, or in block RAM."""
        plain = not self._cells and not self._maps
        if has_lut_ram(platform) and plain and self._depth <= _LUT_RAM_DEPTH:
            return self._direct()
        return self._forwarding()

    def _direct(self) -> Module:
        """Read, add and write in one cycle, which is an addition's third and an operation's second.

        An operation's sum leaves as it is read, and 0 is written instead; nothing is added then, so
        the product is 0.
        """
        m = Module()
        width = self.total.shape().width
        m.submodules.ram = ram = LutRam(width=width, depth=self._depth)
        m.submodules.adder = adder = SelectAdder(width=width)
        begun = Signal()
        clearing = Signal()
        row = Signal.like(self.row, reset_less=True)
        m.d.comb += [
            ram.r_addr.eq(self.commit_row),
            ram.w_addr.eq(self.commit_row),
            ram.w_en.eq(self.commit | clearing),
            ram.w_data.eq(self.total),
            adder.addend.eq(self.product),
            adder.base.eq(ram.r_data),
            adder.other.eq(0),
            adder.select.eq(clearing),
            self.total.eq(adder.sum),
            self.result.eq(ram.r_data),
        ]
        m.d.sync += [
            begun.eq(self.real),
            row.eq(self.row),
            self.commit.eq(begun),
            self.commit_row.eq(Mux(self.operate, self.totals.row, row)),
            clearing.eq(self.operate),
        ]
        self._check(m, begun, clearing)
        return m

    def _forwarding(self) -> Module:
        """Read; keep what was read; add and write. Read-after-write is forwarded twice."""
        m = Module()
        width = self.total.shape().width
        m.submodules.ram = ram = BlockRam(width=width, depth=self._depth)
        m.submodules.adder = adder = SelectAdder(width=width)
        begun = Signal()
        row = Signal.like(self.row, reset_less=True)
        near, far = self.hazards(begun, row)
        near_1 = Signal()
        near_2 = Signal()
        far_1 = Signal()
        base = Signal(signed(width))
        previous = Signal(signed(width), reset_less=True)
        m.d.comb += [
            # The sum being written now is taken from `previous` a cycle later, not from the memory.
            ram.r_en.eq(self._reads() | (self.real & ~far)),
            ram.r_addr.eq(Mux(self.operate, self.totals.row, self.row)),
            adder.addend.eq(self.product),
            adder.base.eq(base),
            adder.other.eq(previous),
            adder.select.eq(near_2),
            self.total.eq(adder.sum),
            ram.w_addr.eq(self.commit_row),
        ]
        m.d.sync += [
            begun.eq(self.real),
            row.eq(self.row),
            near_1.eq(near),
            near_2.eq(near_1),
            far_1.eq(far),
            base.eq(Mux(far_1, previous, ram.r_data)),
            previous.eq(self.total),
            self.commit.eq(begun),
            self.commit_row.eq(row),
            Assert(~(self.operate & self.real), "an operation and an addition begin together"),
        ]
        if self._cells:
            self._add(m, ram, base, near_1, far_1, row)
            m.d.comb += self.result.eq(previous)
            self._check_sums(m, begun, row)
        else:
            if self._maps:
                self._steal(m, ram, base, near_1, row)
                self._check_sums(m, begun, row)
            else:
                self._take(m, ram, base, near_2, begun)
            m.d.comb += self.result.eq(ram.r_data)
        return m

    def _reads(self) -> Value:
        """An operation reads its sum."""
        return self.operate & self.totals.sums if self._cells else self.operate

    def _take(self, m: Module, ram: BlockRam, base: Signal, near_2: Signal, begun: Signal) -> None:
        """An operation reads, and a cycle later zero is written, without a choice behind the adder.

        Nothing is added meanwhile, so the product is 0.
        """
        clearing = Signal()
        m.d.comb += [ram.w_en.eq(self.commit | clearing), ram.w_data.eq(self.total)]
        m.d.sync += clearing.eq(self.operate)
        with m.If(self.operate):
            m.d.sync += [base.eq(0), near_2.eq(0), self.commit_row.eq(self.totals.row)]
        self._check(m, begun, clearing)

    def _steal(self, m: Module, ram: BlockRam, base: Signal, near_1: Signal, row: Signal) -> None:
        """An operation takes the place of an addition, of 0 to 0: zero is written in its turn.

        Nothing is due at that place, so the product is 0.
        """
        clear = Signal()
        clearing = Signal()
        m.d.comb += [ram.w_en.eq(self.commit | clearing), ram.w_data.eq(self.total)]
        m.d.sync += [
            clear.eq(self.operate),
            clearing.eq(clear),
            Assert(~clearing | (self.total == 0), "a sum is not cleared to zero"),
        ]
        with m.If(self.operate):
            m.d.sync += [row.eq(self.totals.row), near_1.eq(0)]
        with m.If(clear):
            m.d.sync += base.eq(0)
        asked = (clear & (row == self.row)) | (clearing & (self.commit_row == self.row))
        m.d.sync += Assert(~(self.real & asked), "a sum is asked for while it is cleared")

    def _check(self, m: Module, begun: Signal, clearing: Signal) -> None:
        """No addition is on its way during an operation."""
        m.d.sync += [
            Assert(
                ~((self.operate | clearing) & (self.real | begun | self.commit)),
                "a sum is taken while another is added to",
            ),
            Assert(~clearing | (self.total == 0), "a sum is not cleared to zero"),
        ]

    def _add(
        self, m: Module, ram: BlockRam, base: Signal, near_1: Signal, far_1: Signal, row: Signal
    ) -> None:
        """An operation's operands take the path of an addition's; its sum is cleared at the end."""
        clear = Signal()
        clearing = Signal()
        nothing = Signal()
        m.d.comb += [
            ram.w_en.eq(self.commit | clearing),
            ram.w_data.eq(Mux(clearing, 0, self.total)),
        ]
        m.d.sync += [
            clear.eq(self.operate & self.totals.clear),
            clearing.eq(clear),
            nothing.eq(self.operate & ~self.totals.sums),
        ]
        with m.If(self.operate):
            m.d.sync += [row.eq(self.totals.row), near_1.eq(self.totals.join), far_1.eq(0)]
        with m.If(nothing):
            m.d.sync += base.eq(0)
        asked = Mux(self.operate, self.totals.row, self.row)
        cleared = (clear & (row == asked)) | (clearing & (self.commit_row == asked))
        m.d.sync += Assert(
            ~((self.real | self._reads()) & cleared), "a sum is asked for while it is cleared"
        )

    def _check_sums(self, m: Module, begun: Signal, row: Signal) -> None:
        """An operation's sum must be complete."""
        asked = self.totals.row
        late = (begun & (row == asked)) | (self.commit & (self.commit_row == asked))
        m.d.sync += Assert(~(self._reads() & late), "a sum is taken while it is added to")

    def hazards(self, begun: Signal, row: Signal) -> tuple[Value, Value]:
        """Whether the sum just read was also read one (near) or two (far) cycles ago."""
        near = begun & (row == self.row)
        far = self.commit & (self.commit_row == self.row)
        return near, far
