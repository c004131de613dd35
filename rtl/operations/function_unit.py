"""Sigmoid and tanh: 256 chords of tanh in a block RAM, and a multiplication."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.operations.tanh_table import BASE_WIDTH, DELTA_WIDTH, SEGMENTS, tanh_words
from rtl.prim.delay import delayed
from rtl.prim.multiplier import Multiplier
from rtl.prim.ram import BlockRam

_FRACTION = 8
"""Bits of the place in a segment."""
_MODE = data.StructLayout({"curve": 1, "sigmoid": 1, "lower": 1})
"""Not the identity; sigmoid or its complement; the result is in the curve's lower half."""


class Function(enum.Enum, shape=2):
    """What the function unit computes."""

    IDENTITY = 0
    TANH = 1
    SIGMOID = 2
    SIGMOID_COMPLEMENT = 3


class FunctionUnit(wiring.Component):
    """result = function(value), `LATENCY` cycles later, one a cycle (docs/format.md).

    value: signed; tanh takes it at 2**-12, sigmoid and its complement 1 - sigmoid at 2**-11.
    function: any, in every cycle.
    result: signed, at 2**-14; for the identity, the value unchanged.
    """

    LATENCY = 5

    value: Signal
    function: Signal
    result: Signal

    def __init__(self) -> None:
        """All widths are fixed."""
        super().__init__(
            {"value": In(signed(16)), "function": In(Function), "result": Out(signed(16))}
        )

    def elaborate(self, platform: object) -> Module:
        """Magnitude; table; register after it; multiply; add.

        With M = base + product, tanh is M + 2 >> 2; below 0 it is -(M + 2 >> 2) = ~(M - 2 >> 2).
        Sigmoid is 2**16 + M + 4 >> 3; in its lower half it is ~(-2**16 + M - 4 >> 3).
        """
        m = Module()
        modes = self._modes(m)
        # The identity's value travels where the magnitude would.
        negate = modes[0].curve & self.value[-1]
        size = Signal(16, reset_less=True)
        m.d.sync += size.eq((self.value ^ negate.replicate(16)) + negate)
        m.submodules.table = table = BlockRam(
            width=BASE_WIDTH + DELTA_WIDTH, depth=SEGMENTS, init=tanh_words()
        )
        m.d.comb += [table.r_en.eq(1), table.r_addr.eq(self._segment(size))]
        size = delayed(m, size, cycles=1, name="size")
        m.submodules.multiplier = multiplier = Multiplier(
            a_width=DELTA_WIDTH, b_width=_FRACTION, stages=2, unsigned=True
        )
        m.d.comb += [
            multiplier.a.eq(table.r_data[BASE_WIDTH:]),
            multiplier.b.eq(self._fraction(size) & modes[2].curve.replicate(_FRACTION)),
        ]
        base = Signal(18, reset_less=True)
        rounded = Signal(18, reset_less=True)
        total = Signal(18)
        m.d.sync += [
            base.eq(self._base(table.r_data[:BASE_WIDTH], size, modes[2])),
            rounded.eq(base + self._rounding(modes[3])),
            self.result.eq(self._result(total, modes[4])),
        ]
        m.d.comb += total.eq(rounded + multiplier.product[_FRACTION:])
        return m

    def _modes(self, m: Module) -> list[data.View]:
        """The requested function, in each cycle from the value's to the one before the result's."""
        code = Value.cast(self.function)
        mode = Signal(_MODE)
        m.d.comb += [
            mode.curve.eq(code.any()),
            mode.sigmoid.eq(code[1]),
            mode.lower.eq(code.any() & (self.value[-1] ^ code.all())),
        ]
        modes = [mode]
        for stage in range(1, self.LATENCY):
            modes.append(delayed(m, modes[-1], cycles=1, name=f"mode{stage}"))
        return modes

    def _segment(self, size: Value) -> Value:
        """The table's address; of -32768's magnitude, which only has bit 15, one from 6 on."""
        fine = Mux(size[13], Cat(size[7:13], Const(2, 2)), size[6:13])
        coarse = Cat(size[8:13], size[13] | size[15], Const(3, 2))
        return Mux(size[14] | size[15], coarse, fine)

    def _fraction(self, size: Value) -> Value:
        """The place in the segment, whose lengths are 2**6, 2**7 and 2**8."""
        fine = Mux(size[13], Cat(Const(0, 1), size[:7]), Cat(Const(0, 2), size[:6]))
        return Mux(size[14], size[:8], fine)

    def _base(self, base: Value, size: Value, mode: data.View) -> Value:
        """Base and sigmoid's 2**16; or the identity's value, where the result will be."""
        curve = Cat(base, mode.sigmoid, mode.sigmoid & mode.lower)
        return Mux(mode.curve, curve, size << 2)

    def _rounding(self, mode: data.View) -> Value:
        """Half of the last place: 2 or 4, or less than 0; nothing for the identity."""
        two = mode.curve & ~mode.sigmoid
        return Cat(Const(0, 1), two, mode.sigmoid | mode.lower, mode.lower).as_signed()

    def _result(self, total: Value, mode: data.View) -> Value:
        """The sum, at 14 fraction bits."""
        tanh = total[2:] ^ mode.lower.replicate(16)
        return Mux(mode.sigmoid, total[3:] ^ mode.lower.replicate(15), tanh)
