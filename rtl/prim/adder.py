"""An adder that chooses one of its operands, in one carry chain where the device can."""

from typing import Any

from amaranth.hdl import Const, Instance, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class SelectAdder(wiring.Component):
    """sum = addend + (other if select else base), in the same cycle; it wraps around.

    On ECP5 the choice is in the LUTs of the carry chain itself: Yosys puts it in front of them,
    which doubles the logic. tests/rtl/prim/test_adder.py proves that both forms are equal.

    addend: one operand.
    base: the other one.
    other: the other one, with `select`.
    select: take `other` instead of `base`.
    sum: signed, as all operands are.
    """

    addend: Signal
    base: Signal
    other: Signal
    select: Signal
    sum: Signal

    def __init__(self, *, width: int) -> None:
        """All operands and the sum are signed, of `width` bits."""
        self._width = width
        shape = signed(width)
        super().__init__(
            {
                "addend": In(shape),
                "base": In(shape),
                "other": In(shape),
                "select": In(1),
                "sum": Out(shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Behaviour, or CCU2C cells."""
        m = Module()
        if getattr(platform, "device", "").startswith("LFE5"):
            self._carry_chain(m)
        else:
            m.d.comb += self.sum.eq(self.addend + Mux(self.select, self.other, self.base))
        return m

    def _carry_chain(self, m: Module) -> None:
        """Two bits a cell: A is the addend's bit, B other's, C base's, D the choice.

        A LUT's propagate is A ^ (D ? B : C). Where it is 0 the carry is the LUT's value at C = D =
        0, which is A: just the addend's bit, that equals the chosen one.
        """
        table = 0
        for number in range(16):
            a, b, c, d = (number >> bit & 1 for bit in range(4))
            table |= (a ^ (b if d else c)) << number
        carry: Any = Const(0, 1)
        for low in range(0, self._width, 2):
            pins: dict[str, Any] = {}
            for nth, bit in enumerate((low, low + 1)):
                here = bit < self._width
                pins[f"i_A{nth}"] = self.addend[bit] if here else Const(0, 1)
                pins[f"i_B{nth}"] = self.other[bit] if here else Const(0, 1)
                pins[f"i_C{nth}"] = self.base[bit] if here else Const(0, 1)
                pins[f"i_D{nth}"] = self.select
                pins[f"o_S{nth}"] = self.sum[bit] if here else Signal(name=f"unused{bit}")
            out = Signal(name=f"carry{low}")
            m.submodules[f"cell{low}"] = Instance(
                "CCU2C",
                p_INIT0=Const(table, 16),
                p_INIT1=Const(table, 16),
                p_INJECT1_0="NO",
                p_INJECT1_1="NO",
                i_CIN=carry,
                o_COUT=out,
                **pins,
            )
            carry = out
