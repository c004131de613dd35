"""The product of a weight and an activation, or of an operation's operands."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig, MacKind
from golden.kinds import CELL_WIDTH
from rtl.prim.delay import delayed
from rtl.prim.multiplier import Multiplier


class Product(wiring.Component):
    """product = weight * activation, `multiplier_stages` cycles later, one a cycle.

    With cells an operation's operands can take their places. Log weights need no multiplier, but
    gates do: with both, the multiplier is for the operations alone.

    weight: signed weight (codebook, fixed: multiplied); or the code of a log weight, whose top bit
        is the sign and whose others are the exponent (shifted: LogNet, section 3).
    activation: signed, 0 when there is no entry.
    use_left: `left` takes the weight's place; only together with use_right.
    use_right: `right` takes the activation's place.
    left: left operand of an operation.
    right: right operand of an operation.
    product: signed.
    """

    weight: Signal
    activation: Signal
    use_left: Signal
    use_right: Signal
    left: Signal
    right: Signal
    product: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Kind, widths and latency come from `config`."""
        self._config = config
        self._log = config.mac is MacKind.LOG
        cells = {
            "use_left": In(1),
            "use_right": In(1),
            "left": In(signed(CELL_WIDTH)),
            "right": In(signed(CELL_WIDTH)),
        }
        super().__init__(
            {
                "weight": In(config.code_width if self._log else signed(config.weight_width)),
                "activation": In(signed(config.act_width)),
                **(cells if config.cells else {}),
                "product": Out(signed(config.product_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A multiplier, a shifter, or both."""
        m = Module()
        weight, activation = self.weight, self.activation
        if self._log:
            if not self._config.cells:
                m.d.comb += self.product.eq(self._shift(m, activation))
                return m
            left = Mux(self.use_left, self.left, 0)
            product = self._multiply(m, left, self.right, width=CELL_WIDTH)
            shifts = self.use_right & ~self.use_left
            # One of the two is always zero.
            m.d.comb += self.product.eq(
                product | self._shift(m, Mux(shifts, self.right, activation))
            )
            return m
        width = self._config.weight_width
        if self._config.cells:
            width = max(CELL_WIDTH, width)
            weight = Mux(self.use_left, self.left, weight)
            activation = Mux(self.use_right, self.right, activation)
        m.d.comb += self.product.eq(self._multiply(m, weight, activation, width=width))
        return m

    def _multiply(self, m: Module, a: Value, b: Value, *, width: int) -> Signal:
        """The product of two values."""
        m.submodules.multiplier = multiplier = Multiplier(
            a_width=width, b_width=self._config.act_width, stages=self._config.multiplier_stages
        )
        m.d.comb += [multiplier.a.eq(a), multiplier.b.eq(b)]
        return multiplier.product

    def _shift(self, m: Module, activation: Value) -> Signal:
        """Negate first, which is narrow; then shift. The registers before it can be retimed."""
        negated = Signal(signed(self._config.act_width + 1))
        m.d.comb += negated.eq(Mux(self.weight[-1], -activation, activation))
        before = self._config.multiplier_stages - 1
        value = delayed(m, negated, cycles=before, name="negated")
        exponent = Signal(self._config.code_width - 1)
        m.d.comb += exponent.eq(self.weight[:-1])
        exponent = delayed(m, exponent, cycles=before, name="exponent")
        shifted = Signal(self.product.shape(), reset_less=True)
        m.d.sync += shifted.eq(value << exponent)
        return shifted
