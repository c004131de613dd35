"""Sum to activation: shift right, round half to even, saturate, activation function."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import EngineConfig
from rtl.layouts import requantise_layout


class Requantiser(wiring.Component):
    """activation = f(saturate(round_half_even(total / 2**shift))), `LATENCY` cycles later.

    total: bias included, signed. settings: shift and activation function, steady. activation:
    signed.
    """

    LATENCY = 3

    _FINE = 2
    """Bits of the shift that the second stage does."""

    total: Signal
    settings: data.View
    activation: Signal

    def __init__(self, *, config: EngineConfig) -> None:
        """Widths come from `config`."""
        self._config = config
        super().__init__(
            {
                "total": In(signed(config.acc_width)),
                "settings": In(requantise_layout(config)),
                "activation": Out(signed(config.act_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Coarse shift; fine shift and round; saturate."""
        m = Module()
        width = self._config.acc_width
        # One more bit below for the half, and one to gather everything that is shifted out of that.
        wide = signed(width + 1)
        coarse, sticky = Signal(wide, reset_less=True), Signal(reset_less=True)
        stages = range(len(self.settings.shift))
        value, dropped = self._shift(Cat(0, self.total).as_signed(), 0, stages[self._FINE :])
        m.d.sync += [coarse.eq(value), sticky.eq(dropped)]
        value, dropped = self._shift(coarse, sticky, stages[: self._FINE])
        fine, below = Signal(wide), Signal()
        m.d.comb += [fine.eq(value), below.eq(dropped)]
        rounded = Signal(signed(width), reset_less=True)
        m.d.sync += rounded.eq((fine >> 1) + self.round_up(fine[1], fine[0], below))
        m.d.sync += self.activation.eq(self._activate(rounded))
        return m

    def round_up(self, odd: Value, half: Value, below: Value) -> Value:
        """Whether to add one: more than half, or just half and the result would be odd."""
        return half & (below | odd)

    def _shift(self, value: Value, sticky: Value | int, bits: range) -> tuple[Value, Value]:
        """Shift right by the given bits of the shift; `sticky` gathers what drops out."""
        for bit in reversed(bits):
            amount = min(1 << bit, len(value))
            taken = self.settings.shift[bit]
            sticky = sticky | (taken & value[:amount].any())
            value = Mux(taken, value >> amount, value)
        return value, Value.cast(sticky)

    def _activate(self, rounded: Signal) -> Value:
        """Saturate to the activation's width; ReLU turns negative values into 0."""
        top = self._config.act_width - 1
        sign = rounded[-1]
        fits = (rounded[top:] == 0) | rounded[top:].all()
        low = Mux(self.settings.relu, 0, -(1 << top))
        inside = Mux(sign & self.settings.relu, 0, rounded[: top + 1].as_signed())
        return Mux(fits, inside, Mux(sign, low, (1 << top) - 1))
