"""The product of a weight and an activation, or of an operation's operands."""

from collections.abc import Callable

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig, MacKind
from golden.kinds import CELL_WIDTH, ActCode
from rtl.layouts import sent_shape
from rtl.pe.power_product import power_product
from rtl.prim.delay import delayed
from rtl.prim.multiplier import Multiplier


def _shifted(m: Module, config: EngineConfig, code: Value, activation: Value) -> Signal:
    """LogNet, section 3: negate first, which is narrow; then shift.

    The registers before the shift can be retimed.
    """
    negated = _signed(m, config, code, activation)
    before = config.multiplier_stages - 1
    value = delayed(m, negated, cycles=before, name="negated")
    exponent = Signal(config.code_width - 1)
    m.d.comb += exponent.eq(code[:-1])
    exponent = delayed(m, exponent, cycles=before, name="exponent")
    shifted = Signal(signed(config.product_width), reset_less=True)
    m.d.sync += shifted.eq(value << exponent)
    return shifted


def _shifted_half(m: Module, config: EngineConfig, code: Value, activation: Value) -> Signal:
    """32 or 45 times the activation, negated or not, shifted; 45 = 48 - 3 takes two additions."""
    negated = _signed(m, config, code, activation)
    three = Signal(signed(config.act_width + 3))
    m.d.comb += three.eq(negated + (negated << 1))
    scaled = Signal(signed(config.act_width + 7))
    m.d.comb += scaled.eq(Mux(code[0], (three << 4) - three, negated << 5))
    before = config.multiplier_stages - 1
    value = delayed(m, scaled, cycles=before, name="scaled")
    exponent = Signal(config.code_width - 2)
    m.d.comb += exponent.eq(code[1:-1])
    exponent = delayed(m, exponent, cycles=before, name="exponent")
    shifted = Signal(signed(config.product_width), reset_less=True)
    m.d.sync += shifted.eq(value << exponent)
    return shifted


def _negated(m: Module, config: EngineConfig, code: Value, activation: Value) -> Signal:
    """The activation or its opposite."""
    negated = _signed(m, config, code, activation)
    return delayed(m, negated, cycles=config.multiplier_stages, name="negated")


def _signed(m: Module, config: EngineConfig, code: Value, activation: Value) -> Signal:
    """The activation, negated where the code's top bit is set."""
    negated = Signal(signed(config.act_width + 1), name="negated")
    m.d.comb += negated.eq(Mux(code[-1], -activation, activation))
    return negated


_GATES: dict[MacKind, Callable[[Module, EngineConfig, Value, Value], Signal]] = {
    MacKind.LOG: _shifted,
    MacKind.LOG_SQRT2: _shifted_half,
    MacKind.TERNARY: _negated,
}
"""How kinds of weights without a multiplier make a product of a code and an activation."""


class Product(wiring.Component):
    """product = weight * activation, `multiplier_stages` cycles later, one a cycle.

    With cells an operation's operands can take their places. Some kinds of weights need no
    multiplier, but a cell's gates do: with both, the multiplier is for the operations alone. None
    does where activations are powers.

    weight: signed weight, which is multiplied; or the code itself, whose top bit is the sign, where
        the product is made of it by gates (log, ternary).
    activation: signed, or the word of its code; 0 when there is no entry.
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
        cells = {
            "use_left": In(1),
            "use_right": In(1),
            "left": In(signed(CELL_WIDTH)),
            "right": In(signed(CELL_WIDTH)),
        }
        multiplied = config.alphabet.multiplied
        super().__init__(
            {
                "weight": In(signed(config.weight_width) if multiplied else config.code_width),
                "activation": In(sent_shape(config)),
                **(cells if config.cells else {}),
                "product": Out(signed(config.product_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A multiplier, gates, or both."""
        m = Module()
        if self._config.act_code is not ActCode.LINEAR:
            product = power_product(m, self._config, self.weight, self.activation)
            m.d.comb += self.product.eq(product)
        elif self._config.alphabet.multiplied:
            self._multiplied(m)
        else:
            self._gated(m)
        return m

    def _multiplied(self, m: Module) -> None:
        """One multiplier for entries and operations."""
        weight, activation = self.weight, self.activation
        width = self._config.weight_width
        if self._config.cells:
            width = max(CELL_WIDTH, width)
            weight = Mux(self.use_left, self.left, weight)
            activation = Mux(self.use_right, self.right, activation)
        m.d.comb += self.product.eq(self._multiply(m, weight, activation, width=width))

    def _gated(self, m: Module) -> None:
        """Gates for entries; where there are operations, a multiplier for them."""
        gates = _GATES[self._config.mac]
        if not self._config.cells:
            product = gates(m, self._config, self.weight, self.activation)
            m.d.comb += self.product.eq(product)
            return
        left = Mux(self.use_left, self.left, 0)
        product = self._multiply(m, left, self.right, width=CELL_WIDTH)
        entry = self.use_right & ~self.use_left  # a peephole
        activation = Mux(entry, self.right, self.activation)
        # One of the two is always zero.
        m.d.comb += self.product.eq(product | gates(m, self._config, self.weight, activation))

    def _multiply(self, m: Module, a: Value, b: Value, *, width: int) -> Signal:
        """The product of two values."""
        m.submodules.multiplier = multiplier = Multiplier(
            a_width=width, b_width=self._config.act_width, stages=self._config.multiplier_stages
        )
        m.d.comb += [multiplier.a.eq(a), multiplier.b.eq(b)]
        return multiplier.product
