"""The multiplier: a pipelined signed product that maps to one DSP block."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import ElsieError


class Multiplier(wiring.Component):
    """product = a * b, `stages` cycles later, one a cycle.

    a, b: signed factors. product: signed, as wide as both together. Registers have no reset, so
    that they can move into the DSP block.
    """

    a: Signal
    b: Signal
    product: Signal

    def __init__(self, *, a_width: int, b_width: int, stages: int) -> None:
        """`stages` is at least 1; from the second on, factors are registered too."""
        if stages < 1:
            raise ElsieError(f"multiplier: stages must be at least 1, not {stages}")
        self._stages = stages
        super().__init__(
            {
                "a": In(signed(a_width)),
                "b": In(signed(b_width)),
                "product": Out(signed(a_width + b_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Registers on the factors if there are two stages or more, then on the product."""
        m = Module()
        a, b = self.a, self.b
        if self._stages > 1:
            a_q = Signal(a.shape(), reset_less=True)
            b_q = Signal(b.shape(), reset_less=True)
            m.d.sync += [a_q.eq(a), b_q.eq(b)]
            a, b = a_q, b_q
        value = a * b
        for stage in range(max(1, self._stages - 1)):
            register = Signal(self.product.shape(), reset_less=True, name=f"product_{stage}")
            m.d.sync += register.eq(value)
            value = register
        m.d.comb += self.product.eq(value)
        return m
