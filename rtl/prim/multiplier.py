"""The multiplier: a pipelined product that maps to one DSP block."""

from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import ElsieError

_ECP5_BITS = 18
"""Widest factors of one MULT18X18D, which are signed here."""


class Multiplier(wiring.Component):
    """product = a * b, `stages` cycles later, one a cycle.

    All are signed, or none is. Registers have no reset, so that they can be those of the DSP block.
    Yosys finds them on iCE40, if no bit of a factor is constant; on ECP5 it leaves them outside the
    block, so there the block is named.

    a: a factor.
    b: a factor.
    product: as wide as both together.
    """

    a: Signal
    b: Signal
    product: Signal

    def __init__(self, *, a_width: int, b_width: int, stages: int, unsigned: bool = False) -> None:
        """`stages` is at least 2: the factors' registers and the product's."""
        if stages < 2:
            raise ElsieError(f"multiplier: stages must be at least 2, not {stages}")
        self._stages, self._unsigned = stages, unsigned
        super().__init__(
            {
                "a": In(Shape(a_width, signed=not unsigned)),
                "b": In(Shape(b_width, signed=not unsigned)),
                "product": Out(Shape(a_width + b_width, signed=not unsigned)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Registers on the factors, then on the product."""
        m = Module()
        fits = max(len(self.a), len(self.b)) + self._unsigned <= _ECP5_BITS
        if fits and getattr(platform, "device", "").startswith("LFE5"):
            value, stages = self._block(m), min(self._stages, 3)
        else:
            a = Signal(self.a.shape(), reset_less=True)
            b = Signal(self.b.shape(), reset_less=True)
            m.d.sync += [a.eq(self.a), b.eq(self.b)]
            value, stages = a * b, 1
        for stage in range(self._stages - stages):
            register = Signal(self.product.shape(), reset_less=True, name=f"product_{stage}")
            m.d.sync += register.eq(value)
            value = register
        m.d.comb += self.product.eq(value)
        return m

    def _block(self, m: Module) -> Value:
        """MULT18X18D with registers on factors and product, and with 3 stages between them."""
        product = Signal(signed(2 * _ECP5_BITS))
        pins: dict[str, Any] = {f"o_P{bit}": product[bit] for bit in range(len(product))}
        for name, factor in (("A", self.a), ("B", self.b)):
            wide = Signal(signed(_ECP5_BITS), name=f"wide_{name.lower()}")
            m.d.comb += wide.eq(factor)
            pins |= {f"i_{name}{bit}": wide[bit] for bit in range(_ECP5_BITS)}
            pins |= {f"i_SIGNED{name}": Const(1, 1), f"i_SOURCE{name}": Const(0, 1)}
        for number in range(4):
            pins[f"i_CLK{number}"] = ClockSignal() if number == 0 else Const(0, 1)
            pins |= {f"i_CE{number}": Const(1, 1), f"i_RST{number}": Const(0, 1)}
        used = {"INPUTA": True, "INPUTB": True, "PIPELINE": self._stages > 2, "OUTPUT": True}
        for register, here in used.items():
            pins[f"p_REG_{register}_CLK"] = "CLK0" if here else "NONE"
        m.submodules.block = Instance(
            "MULT18X18D", p_GSR="DISABLED", p_RESETMODE="SYNC", p_MULT_BYPASS="DISABLED", **pins
        )
        return product
