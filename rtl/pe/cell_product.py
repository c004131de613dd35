"""The product of a PE with cells: of a weight and an activation, or of an operation's operands."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig, MacKind
from golden.kinds import CELL_WIDTH
from rtl.pe.product import Product
from rtl.prim.multiplier import Multiplier


class CellProduct(wiring.Component):
    """As rtl.pe.product.Product, and the operation's operands take the same multiplier.

    weight, activation: of an entry; activation 0 when there is none. use_right: `right` takes the
    activation's place; use_left: `left` takes the weight's, only together with use_right. product:
    `multiplier_stages` cycles later. Log weights need no multiplier, but gates do: with them there
    is one for the operations alone.
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
        log = config.mac is MacKind.LOG
        super().__init__(
            {
                "weight": In(config.code_width if log else signed(config.weight_width)),
                "activation": In(signed(config.act_width)),
                "use_left": In(1),
                "use_right": In(1),
                "left": In(signed(CELL_WIDTH)),
                "right": In(signed(CELL_WIDTH)),
                "product": Out(signed(config.product_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A multiplier whose operands are chosen; or a shifter beside it."""
        m = Module()
        config = self._config
        log = config.mac is MacKind.LOG
        width = CELL_WIDTH if log else max(CELL_WIDTH, config.weight_width)
        m.submodules.multiplier = multiplier = Multiplier(
            a_width=width, b_width=CELL_WIDTH, stages=config.multiplier_stages
        )
        if not log:
            m.d.comb += [
                multiplier.a.eq(Mux(self.use_left, self.left, self.weight)),
                multiplier.b.eq(Mux(self.use_right, self.right, self.activation)),
                self.product.eq(multiplier.product),
            ]
            return m
        m.submodules.shifter = shifter = Product(config=config)
        m.d.comb += [
            multiplier.a.eq(Mux(self.use_left, self.left, 0)),
            multiplier.b.eq(self.right),
            shifter.weight.eq(self.weight),
            shifter.activation.eq(
                Mux(self.use_right & ~self.use_left, self.right, self.activation)
            ),
            # One of the two is always zero.
            self.product.eq(multiplier.product | shifter.product),
        ]
        return m
