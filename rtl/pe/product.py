"""The product of a weight and an activation; the sum is the accumulator's."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig, MacKind
from rtl.prim.delay import delayed
from rtl.prim.multiplier import Multiplier


class Product(wiring.Component):
    """product = weight * activation, `multiplier_stages` cycles later, one a cycle.

    weight: signed weight (codebook, fixed: multiplied), or the code of a log weight, whose top bit
    is the sign and whose others are the exponent (shifted, without a multiplier: LogNet, section
    3). activation: signed. product: signed.
    """

    weight: Signal
    activation: Signal
    product: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Kind, widths and latency come from `config`."""
        self._config = config
        log = config.mac is MacKind.LOG
        super().__init__(
            {
                "weight": In(config.code_width if log else signed(config.weight_width)),
                "activation": In(signed(config.act_width)),
                "product": Out(signed(config.product_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A multiplier or a shifter."""
        m = Module()
        if self._config.mac is MacKind.LOG:
            self._shift(m)
            return m
        m.submodules.multiplier = multiplier = Multiplier(
            a_width=self._config.weight_width,
            b_width=self._config.act_width,
            stages=self._config.multiplier_stages,
        )
        m.d.comb += [
            multiplier.a.eq(self.weight),
            multiplier.b.eq(self.activation),
            self.product.eq(multiplier.product),
        ]
        return m

    def _shift(self, m: Module) -> None:
        """Negate first, which is narrow; then shift. The registers before it can be retimed."""
        negated = Signal(signed(self._config.act_width + 1))
        m.d.comb += negated.eq(Mux(self.weight[-1], -self.activation, self.activation))
        before = self._config.multiplier_stages - 1
        value = delayed(m, negated, cycles=before, name="negated")
        exponent = Signal(self._config.code_width - 1)
        m.d.comb += exponent.eq(self.weight[:-1])
        exponent = delayed(m, exponent, cycles=before, name="exponent")
        shifted = Signal(self.product.shape(), reset_less=True)
        m.d.sync += shifted.eq(value << exponent)
        m.d.comb += self.product.eq(shifted)
